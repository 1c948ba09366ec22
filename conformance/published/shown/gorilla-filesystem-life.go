// gorilla/sessions FilesystemStore: a session lives as long as the store says, whatever its own MaxAge is.
package main

import (
	"fmt"
	"net/http/httptest"
	"os"
	"time"

	"github.com/gorilla/sessions"
)

// Stores a session with this life, and tells whether it is found after two and a half seconds.
func found(store *sessions.FilesystemStore, life int) bool {
	answer := httptest.NewRecorder()
	request := httptest.NewRequest("GET", "/", nil)
	session, _ := store.Get(request, "id")
	session.Options.MaxAge = life
	if err := session.Save(request, answer); err != nil {
		panic(err)
	}
	time.Sleep(2500 * time.Millisecond)
	later := httptest.NewRequest("GET", "/", nil)
	later.AddCookie(answer.Result().Cookies()[0])
	session, _ = store.Get(later, "id")
	return !session.IsNew
}

func main() {
	place, _ := os.MkdirTemp("", "sessions")
	defer os.RemoveAll(place)
	store := sessions.NewFilesystemStore(place, []byte("secret"))
	short := found(store, 1) // in a store for 30 days, as it is by default
	store.MaxAge(1)
	long := found(store, 3600)
	if !short || long {
		panic(fmt.Sprint(short, long))
	}
	fmt.Println("after 2.5 s a session of 1 s is found, and in a store for 1 s a session of an hour is not")
}
