// An adapter for sessionspec: a store that is a map. It needs Go and nothing else. Put your own store in the place of
// records, and say in hello what it can do.
//
// Requests come as lines of JSON on stdin; each gets one line of answer on stdout, with the same id. Session data stays
// the text that it is: encoding/json would not take all of it.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
)

const hello = `{
  "protocol": 1,
  "name": "my-store",
  "version": "1.0",
  "language": "Go",
  "level": "store",
  "clock": "virtual",
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
}`

type record struct {
	data    string
	expires int64 // microseconds since 1970, as in now
}

var records = map[string]record{}

// fields gives the fields of an object, each as the text that it is.
func fields(line string) map[string]string {
	found := map[string]string{}
	depth, name, start := 0, "", -1
	for at := 0; at < len(line); at++ {
		c := line[at]
		if c == '"' {
			from := at
			for at++; at < len(line) && line[at] != '"'; at++ {
				if line[at] == '\\' {
					at++
				}
			}
			if depth == 1 && start < 0 {
				name = line[from+1 : at]
			}
			continue
		}
		if depth == 1 && start >= 0 && (c == ',' || c == '}') {
			found[name] = strings.TrimSpace(line[start:at])
			start = -1
		} else if depth == 1 && start < 0 && c == ':' {
			start = at + 1
		}
		switch c {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
	}
	return found
}

func ok(text string) string {
	return `"ok":` + text
}

func failed(kind, message string) string {
	text, _ := json.Marshal(map[string]string{"kind": kind, "message": message})
	return `"error":` + string(text)
}

func answer(request map[string]string) string {
	op, key := request["op"], request["key"]
	now, _ := strconv.ParseInt(request["now"], 10, 64)
	switch op {
	case `"hello"`:
		return ok(strings.ReplaceAll(hello, "\n", ""))
	case `"open"`, `"reopen"`: // fresh storage; and for a map a restart is no different
		records = map[string]record{}
		return ok("null")
	case `"clear-expired"`, `"bye"`:
		return ok("null")
	}
	found, there := records[key]
	if there && found.expires <= now { // at its instant a record is expired
		delete(records, key)
		there = false
	}
	switch op {
	case `"exists"`:
		return ok(strconv.FormatBool(there))
	case `"load"`:
		if !there {
			return ok("null")
		}
		return ok(fmt.Sprintf(`{"data":%s,"expires_us":%d}`, found.data, found.expires))
	case `"insert"`:
		if there {
			return failed("create-error", "the key is taken")
		}
	case `"update"`:
		if !there {
			return failed("update-error", "there is no such record")
		}
	case `"delete"`:
		delete(records, key)
		return ok("null")
	default:
		return failed("protocol", "there is no operation "+op)
	}
	expires, _ := strconv.ParseInt(request["expires_us"], 10, 64)
	records[key] = record{request["data"], expires}
	return ok("null")
}

func main() {
	lines := bufio.NewReader(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		request := fields(line)
		fmt.Fprintf(out, "{\"id\":%s,%s}\n", request["id"], answer(request))
		out.Flush()
		if request["op"] == `"bye"` {
			return
		}
	}
}
