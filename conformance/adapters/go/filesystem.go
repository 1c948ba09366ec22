package main

import (
	"os"
	"path/filepath"

	"github.com/gorilla/sessions"
)

// The FilesystemStore of gorilla/sessions. Put your own store in its place.
var tested = subject{
	name:         "gorilla/sessions FilesystemStore",
	version:      "1.2.1",
	clock:        "wall",
	persistent:   true,
	shared:       true,
	clearExpired: "unsupported",
	otherStorage: true,
	open: func(_, dir string, life int, fresh bool) (store, error) {
		// So deep that no key with dots leads out of `dir`: the store would delete what it leads to.
		place := filepath.Join(dir, "sessions/of/every/visitor")
		if fresh {
			os.RemoveAll(filepath.Join(dir, "sessions"))
		}
		files := sessions.NewFilesystemStore(place, secret)
		files.MaxAge(life)
		files.MaxLength(0) // by default there is room for 4,096 bytes
		return gorilla{files}, os.MkdirAll(place, 0o700)
	},
}
