// An adapter for sessionspec: session stores of Go, as they are. It is built with the files that open a store:
//
//	go build -o filesystem adapter.go gorilla.go filesystem.go
//
// Requests come as lines of JSON on stdin; each gets one line of answer on stdout, with the same id.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// A session is a map to the applications of Go.
type object = map[string]interface{}

// What any store can do. It is told for how many seconds a session lives.
type store interface {
	get(key string) (object, error) // nil if there is no such session
	set(key string, data object, life int) error
	destroy(key string) error
	sweep() error
}

// What a file that opens a store says of it, and how it opens it: for sessions of that many seconds.
type subject struct {
	name, version string
	clock         string // "wall": Go asks the kernel for the time; "moved": a server's, which its starter tells
	persistent    bool
	shared        bool // whether each opening is a handle of its own
	clearExpired  string
	otherStorage  bool     // whether it can be opened for two sites, "one" and "two", each with a directory of its own
	hooks         []string // "second-process", if several processes may use the storage at the same time
	open          func(site, dir string, life int, fresh bool) (store, error)
}

type request struct {
	ID       uint64 `json:"id"`
	Op       string `json:"op"`
	Now      int64  `json:"now"` // microseconds since 1970
	Client   int    `json:"client"`
	Key      string `json:"key"`
	Data     object `json:"data"`
	Expires  int64  `json:"expires_us"`
	Dir      string `json:"dir"`
	Keep     bool   `json:"keep"`
	Settings struct {
		CookieAge int `json:"cookie_age"`
	} `json:"settings"`
}

var (
	opened  request  // the last `open`
	clients [3]store // the last one is on another storage
)

func hello(of subject) object {
	return object{
		"protocol": 1,
		"name":     of.name,
		"version":  of.version,
		"language": "Go " + runtime.Version()[len("go"):],
		"level":    "key-value", // `get`, `set`, `destroy`: the suite brings the rest
		"profile":  "core",      // the rules for the sessions of every framework
		"clock":    of.clock,

		"clock_resolution_us": 1000000,
		"capabilities": object{
			"persistent":    of.persistent,
			"shared":        of.shared,
			"server_side":   true,
			"expired":       "gone",
			"clear_expired": of.clearExpired,
			"other_storage": of.otherStorage,
		},
		"values": object{
			"order":           "lost", // a map has none
			"numbers":         "doubles",
			"big_integers":    "unsupported",
			"non_finite":      "unsupported",
			"lone_surrogates": "unsupported",
			"deep_nesting":    "kept",
		},
		"hooks": append([]string{}, of.hooks...), // a list, also where there are none
	}
}

// An empty list that was encoded as gob comes back as nil, which is the same list to Go, and null in JSON.
func lists(value interface{}) interface{} {
	switch value := value.(type) {
	case []interface{}:
		list := make([]interface{}, len(value))
		for index, member := range value {
			list[index] = lists(member)
		}
		return list
	case object:
		for name, member := range value {
			value[name] = lists(member)
		}
	}
	return value
}

var errUnknown = errors.New("there is no such operation")

func answer(asked request) (_ interface{}, err error) {
	defer func() {
		if panicked := recover(); panicked != nil { // as net/http does around every handler
			err = fmt.Errorf("panic: %v", panicked)
		}
		var file *fs.PathError
		if errors.As(err, &file) { // its path is that of one run
			err = fmt.Errorf("%s: %w", file.Op, file.Err)
		}
	}()
	switch asked.Op {
	case "hello":
		return hello(tested), nil
	case "open", "reopen": // fresh storage, or with `keep` what another process has opened; the same again, after a restart
		if asked.Op == "open" {
			opened = asked
		}
		fresh := asked.Op == "open" && !asked.Keep || !tested.persistent
		for number, site := range []string{"one", "one", "two"} {
			if site == "two" && !tested.otherStorage {
				continue
			}
			place := filepath.Join(opened.Dir, site)
			if err := os.MkdirAll(place, 0o700); err != nil {
				return nil, err
			}
			clients[number], err = tested.open(site, place, opened.Settings.CookieAge, fresh && number != 1)
			if err != nil {
				return nil, err
			}
		}
		return nil, nil
	case "get":
		data, err := clients[asked.Client].get(asked.Key)
		if data == nil || err != nil {
			return nil, err
		}
		return object{"data": lists(data)}, nil
	case "set":
		return nil, clients[asked.Client].set(asked.Key, asked.Data, int((asked.Expires-asked.Now)/1000000))
	case "destroy":
		return nil, clients[asked.Client].destroy(asked.Key)
	case "clear-expired":
		return nil, clients[asked.Client].sweep()
	case "bye":
		return nil, nil
	}
	return nil, errUnknown
}

func main() {
	lines := json.NewDecoder(bufio.NewReader(os.Stdin))
	answers := json.NewEncoder(os.Stdout)
	for {
		var asked request
		if lines.Decode(&asked) != nil {
			return
		}
		outcome := object{"id": asked.ID}
		if ok, err := answer(asked); err == errUnknown {
			outcome["error"] = object{"kind": "protocol", "message": err.Error()}
		} else if err != nil {
			outcome["error"] = object{"kind": "unavailable", "message": err.Error()}
		} else {
			outcome["ok"] = ok
		}
		if answers.Encode(outcome) != nil || asked.Op == "bye" {
			return
		}
	}
}
