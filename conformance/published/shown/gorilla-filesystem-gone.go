// gorilla/sessions FilesystemStore: a session that is gone is an error, both where it is opened and where it is ended.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http/httptest"
	"os"

	"github.com/gorilla/sessions"
)

func main() {
	place, _ := os.MkdirTemp("", "sessions")
	defer os.RemoveAll(place)
	store := sessions.NewFilesystemStore(place, []byte("secret"))
	answer := httptest.NewRecorder()
	request := httptest.NewRequest("GET", "/", nil)
	session, _ := store.Get(request, "id")
	if err := session.Save(request, answer); err != nil {
		panic(err)
	}

	// The visitor logs out, and does so again in another tab.
	logOut := func() (opened, ended error) {
		request := httptest.NewRequest("GET", "/", nil)
		request.AddCookie(answer.Result().Cookies()[0])
		session, opened := store.Get(request, "id")
		session.Options.MaxAge = -1
		return opened, session.Save(request, httptest.NewRecorder())
	}
	opened, ended := logOut()
	againOpened, againEnded := logOut()
	if opened != nil || ended != nil || !errors.Is(againOpened, fs.ErrNotExist) || !errors.Is(againEnded, fs.ErrNotExist) {
		panic(fmt.Sprint(opened, ended, againOpened, againEnded))
	}
	fmt.Println("the second log-out: Get and Save both say that there is no such file")
}
