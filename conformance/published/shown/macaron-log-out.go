// go-macaron/session, providers file and redis: a session that was ended is stored again when the request is over.
package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/go-macaron/session"
	"gopkg.in/macaron.v1"
)

func main() {
	place, _ := os.MkdirTemp("", "sessions")
	defer os.RemoveAll(place)
	site := macaron.New()
	site.Use(session.Sessioner(session.Options{Provider: "file", ProviderConfig: place}))
	site.Get("/log-in", func(session session.Store) { session.Set("user", "alice") })
	site.Get("/log-out", func(visit *macaron.Context, session session.Store) {
		if err := session.Destory(visit); err != nil {
			panic(err)
		}
	})
	site.Get("/who", func(session session.Store) string { return fmt.Sprint(session.Get("user")) })

	var cookies []*http.Cookie
	visit := func(page string) *httptest.ResponseRecorder {
		request, answer := httptest.NewRequest("GET", page, nil), httptest.NewRecorder()
		for _, cookie := range cookies {
			request.AddCookie(cookie)
		}
		site.ServeHTTP(answer, request)
		return answer
	}
	cookies = visit("/log-in").Result().Cookies()
	visit("/log-out")
	if who := visit("/who").Body.String(); who != "alice" {
		panic("it is " + who + ", as it should be")
	}
	fmt.Println("after the log-out, whoever has kept the cookie is alice")
}
