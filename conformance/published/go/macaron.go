package main

import (
	"database/sql"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"

	"github.com/go-macaron/session"
	_ "github.com/go-macaron/session/postgres"
	_ "github.com/go-macaron/session/redis"
	"gopkg.in/macaron.v1"
)

const (
	cookieName = "sessionid"
	entry      = "session" // a store cannot tell its entries, so that the session is in one
)

// The provider of go-macaron/session that the argument names: memory, file, redis or postgres.
var tested = subject{
	name:    "go-macaron/session " + os.Args[1],
	version: session.Version(),
	clock: map[string]string{
		"memory": "wall", "file": "wall", "postgres": "wall", "redis": "moved",
	}[os.Args[1]],
	persistent:   os.Args[1] != "memory",
	shared:       os.Args[1] != "memory", // by one manager, as an application has it
	clearExpired: "sweeps",
	hooks: map[string][]string{
		"file": {"second-process"}, "postgres": {"second-process"}, "redis": {"second-process"},
	}[os.Args[1]],
	open: func(_, dir string, life int, fresh bool) (store, error) {
		server := os.Getenv("SERVER")
		options := session.Options{CookieName: cookieName, IDLength: 32, Maxlifetime: int64(life)}
		switch os.Args[1] {
		case "file":
			// So deep that no key with dots leads out of `dir`: the provider would delete what it leads to.
			options.ProviderConfig = filepath.Join(dir, "sessions/of/every/visitor/of/the/site")
		case "redis":
			options.ProviderConfig = "addr=" + server
		case "postgres":
			host, port, _ := net.SplitHostPort(server)
			options.ProviderConfig = fmt.Sprintf("user=postgres host=%s port=%s sslmode=disable", host, port)
		}
		if fresh {
			if err := empty(dir, options.ProviderConfig); err != nil {
				return nil, err
			}
		}
		if options != begun.options {
			manager, err := session.NewManager(os.Args[1], options)
			if err != nil {
				return nil, err
			}
			begun.options, begun.Manager = options, manager
		}
		return begun, nil
	},
}

// Removes every session, except from a server that is emptied already.
func empty(dir, config string) error {
	switch os.Args[1] {
	case "memory":
		all, err := session.NewManager("memory", session.Options{Maxlifetime: -1})
		if err == nil {
			all.GC()
		}
		begun.options = session.Options{} // that was another life
		return err
	case "file":
		return os.RemoveAll(filepath.Join(dir, "sessions"))
	case "postgres":
		database, err := sql.Open("postgres", config)
		if err != nil {
			return err
		}
		defer database.Close()
		// The table is that of the documentation; the length of a key is a setting.
		_, err = database.Exec("DROP TABLE IF EXISTS session; CREATE TABLE session " +
			"(key CHAR(32) NOT NULL, data BYTEA, expiry INTEGER NOT NULL, PRIMARY KEY (key))")
		return err
	}
	return nil
}

// A manager, as Macaron uses it for its visitors.
type manages struct {
	*session.Manager
	options session.Options
}

// A program has one provider of a kind, which cannot be closed.
var begun = &manages{}

// A request of the visitor whose cookie has this key.
func visit(key string) *macaron.Context {
	request := httptest.NewRequest("GET", "/", nil)
	request.AddCookie(&http.Cookie{Name: cookieName, Value: url.QueryEscape(key)})
	response := macaron.NewResponseWriter(httptest.NewRecorder())
	return &macaron.Context{Req: macaron.Request{Request: request}, Resp: response}
}

func (m *manages) get(key string) (object, error) {
	found, err := m.Start(visit(key))
	if err != nil {
		return nil, err
	}
	data, _ := found.Get(entry).(object) // a session that was just begun has nothing in it
	return data, found.Release()
}

// There is one life for all sessions of a site. A session that is not there begins by being read.
func (m *manages) set(key string, data object, _ int) error {
	session, err := m.Read(key)
	if err != nil {
		return err
	}
	if err := session.Set(entry, data); err != nil {
		return err
	}
	return session.Release()
}

func (m *manages) destroy(key string) error {
	return m.Destory(visit(key))
}

func (m *manages) sweep() error {
	m.GC()
	return nil
}
