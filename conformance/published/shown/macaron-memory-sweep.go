// go-macaron/session, provider memory: a sweep leaves sessions whose life is over, behind a visitor who just came.
package main

import (
	"fmt"
	"time"

	"github.com/go-macaron/session"
)

func main() {
	sessions, err := session.NewManager("memory", session.Options{Maxlifetime: 1})
	if err != nil {
		panic(err)
	}
	visit := func(key string) session.RawStore {
		session, err := sessions.Read(key)
		if err != nil {
			panic(err)
		}
		return session
	}
	visit("alice").Set("user", "alice")
	time.Sleep(2500 * time.Millisecond)
	visit("bob")
	sessions.GC()
	if sessions.Count() != 2 || visit("alice").Get("user") != "alice" {
		panic("it is gone, as it should be")
	}
	fmt.Println("a session of 1 s is found after 2.5 s and a sweep")
}
