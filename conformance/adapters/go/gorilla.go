package main

import (
	"encoding/gob"
	"net/http"
	"net/http/httptest"

	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"
)

const cookieName = "sessionid"

var (
	secret = []byte("sessionspec")
	signer = securecookie.New(secret, nil).MaxLength(0)
)

func init() {
	gob.Register(object{}) // as every application does for what it puts into a session
}

// Any store of gorilla/sessions, as an application uses it: by the request of a visitor, and the answer to it.
type gorilla struct{ sessions.Store }

// The session of a visitor whose cookie has this key. The cookie is signed as the store would have signed it.
func (s gorilla) visit(key string) (*http.Request, *sessions.Session, error) {
	value, err := signer.Encode(cookieName, key)
	if err != nil {
		return nil, nil, err
	}
	visit := httptest.NewRequest("GET", "/", nil)
	visit.AddCookie(&http.Cookie{Name: cookieName, Value: value})
	// Without its error, as most examples of the package have it: a session that cannot be had is a new one.
	session, _ := s.Get(visit, cookieName)
	return visit, session, nil
}

func (s gorilla) get(key string) (object, error) {
	_, session, err := s.visit(key)
	if err != nil || session.IsNew {
		return nil, err
	}
	data := object{}
	for name, value := range session.Values {
		data[name.(string)] = value
	}
	return data, nil
}

func (s gorilla) set(key string, data object, life int) error {
	visit, session, err := s.visit(key)
	if err != nil {
		return err
	}
	session.Values = map[interface{}]interface{}{}
	for name, value := range data {
		session.Values[name] = value
	}
	session.Options.MaxAge = life // and without a life, it is removed
	return session.Save(visit, httptest.NewRecorder())
}

func (s gorilla) destroy(key string) error {
	return s.set(key, nil, -1)
}

func (s gorilla) sweep() error { return errUnknown } // nor has the interface one for that
