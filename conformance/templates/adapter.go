// An adapter for sessionspec: a store that is a map. It needs Go and nothing else. Put your own store in the place of
// records, and say in hello what it can do.
//
// Requests come as lines of JSON on stdin; each gets one line of answer on stdout, with the same id.
package main

import (
	"bufio"
	"encoding/json"
	"os"
)

// At level "store" the suite brings the sessions; "core" are the rules for the sessions of every framework; with "opaque" the data is one text, which the store keeps as it is.
var hello = json.RawMessage(`{
  "protocol": 1,
  "name": "my-store",
  "version": "1.0",
  "language": "Go",
  "level": "store",
  "profile": "core",
  "clock": "virtual",
  "opaque": true,
  "capabilities": {
    "persistent": false,
    "shared": false,
    "server_side": true,
    "expired": "gone",
    "clear_expired": "automatic",
    "max_record_bytes": null
  },
  "values": {
    "order": "kept",
    "big_integers": "kept",
    "non_finite": "kept",
    "lone_surrogates": "kept",
    "deep_nesting": "kept"
  }
}`)

type request struct {
	ID  uint64 `json:"id"`
	Op  string `json:"op"`
	Now int64  `json:"now"` // microseconds since 1970
	Key string `json:"key"`
	record
}

type record struct {
	Data    string `json:"data"`
	Expires int64  `json:"expires_us"`
}

type object map[string]any

var records = map[string]record{}

func ok(answer any) object {
	return object{"ok": answer}
}

func failed(kind, message string) object {
	return object{"error": object{"kind": kind, "message": message}}
}

func answer(asked request) object {
	switch asked.Op {
	case "hello":
		return ok(hello)
	case "open", "reopen": // fresh storage; and for a map a restart is no different
		records = map[string]record{}
		return ok(nil)
	case "clear-expired", "bye":
		return ok(nil)
	}
	found, there := records[asked.Key]
	if there && found.Expires <= asked.Now { // at its instant a record is expired
		delete(records, asked.Key)
		there = false
	}
	switch asked.Op {
	case "exists":
		return ok(there)
	case "load":
		if !there {
			return ok(nil)
		}
		return ok(found)
	case "insert":
		if there {
			return failed("create-error", "the key is taken")
		}
	case "update":
		if !there {
			return failed("update-error", "there is no such record")
		}
	case "delete":
		delete(records, asked.Key)
		return ok(nil)
	default:
		return failed("protocol", "there is no operation "+asked.Op)
	}
	records[asked.Key] = asked.record
	return ok(nil)
}

func main() {
	lines := bufio.NewReader(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var asked request
		if err := json.Unmarshal(line, &asked); err != nil {
			panic(err)
		}
		answered := answer(asked)
		answered["id"] = asked.ID
		if err := out.Encode(answered); err != nil {
			return
		}
		if asked.Op == "bye" {
			return
		}
	}
}
