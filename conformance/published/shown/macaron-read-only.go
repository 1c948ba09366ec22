// go-macaron/session, providers file, redis and postgres: a page that only reads undoes what another one stores meanwhile.
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
	var cookies []*http.Cookie
	visit := func(page string) *httptest.ResponseRecorder {
		request, answer := httptest.NewRequest("GET", page, nil), httptest.NewRecorder()
		for _, cookie := range cookies {
			request.AddCookie(cookie)
		}
		site.ServeHTTP(answer, request)
		return answer
	}
	site.Get("/log-in", func(session session.Store) { session.Set("user", "alice") })
	site.Get("/order", func(session session.Store) { session.Set("cart", "a book") })
	site.Get("/cart", func(session session.Store) string { return fmt.Sprint(session.Get("cart")) })
	// It changes nothing. Before it is over, the visitor orders something in another tab.
	site.Get("/news", func(session session.Store) { visit("/order") })

	cookies = visit("/log-in").Result().Cookies()
	visit("/news")
	undone := visit("/cart").Body.String()
	visit("/order")
	alone := visit("/cart").Body.String()
	if undone != "<nil>" || alone != "a book" {
		panic(fmt.Sprint(undone, ", ", alone))
	}
	fmt.Println("an order in the midst of a page that only reads: the cart is empty; an order alone: it has a book")
}
