// go-macaron/session, provider file: a visitor's cookie can have a file deleted that is no session.
package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/go-macaron/session"
	"gopkg.in/macaron.v1"
)

func main() {
	place, _ := os.MkdirTemp("", "site")
	defer os.RemoveAll(place)
	other := filepath.Join(place, "other")
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		panic(err)
	}
	site := macaron.New()
	site.Use(session.Sessioner(session.Options{Provider: "file", ProviderConfig: filepath.Join(place, "sessions")}))
	site.Get("/log-out", func(visit *macaron.Context, session session.Store) {
		// The file is taken for the session, so that it is deleted when this is ended.
		if err := session.Destory(visit); err != nil {
			panic(err)
		}
		if _, err := os.Stat(other); !os.IsNotExist(err) {
			panic("it is there, as it should be")
		}
		fmt.Println(`a visitor with the cookie "../other" logs out: the file beside the directory of the sessions is deleted`)
	})
	request := httptest.NewRequest("GET", "/log-out", nil)
	request.AddCookie(&http.Cookie{Name: "MacaronSession", Value: "../other"})
	site.ServeHTTP(httptest.NewRecorder(), request)
}
