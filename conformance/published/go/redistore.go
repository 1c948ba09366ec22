package main

import (
	"os"

	"github.com/boj/redistore"
)

// The RediStore of boj/redistore, for gorilla/sessions, on a Redis.
var tested = subject{
	name:         "redistore",
	version:      "1.2",
	clock:        "moved",
	persistent:   true,
	shared:       true,
	clearExpired: "unsupported",
	otherStorage: true,
	hooks:        []string{"second-process"},
	open: func(site, _ string, life int, _ bool) (store, error) {
		redis, err := redistore.NewRediStore(10, "tcp", os.Getenv("SERVER"), "", secret)
		if err != nil {
			return nil, err
		}
		redis.SetKeyPrefix(site + "_")
		redis.SetMaxAge(life)
		redis.SetMaxLength(0) // by default there is room for 4,096 bytes
		return gorilla{redis}, nil
	},
}
