package main

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"
)

// vectors reads the cases that all workers are tested against.
func vectors[T any](t *testing.T, name string) []T {
	t.Helper()
	text, err := os.ReadFile("../../contract/vectors/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []T `json:"cases"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) == 0 {
		t.Fatalf("%s has no cases", name)
	}
	return file.Cases
}

func TestAttemptsFailAsTheVectorsSay(t *testing.T) {
	type attempt struct {
		Seed    uint64 `json:"seed"`
		ID      uint64 `json:"id"`
		Attempt uint32 `json:"attempt"`
		FailPPM uint64 `json:"fail_ppm"`
		Fails   bool   `json:"fails"`
	}
	for _, c := range vectors[attempt](t, "attempts.json") {
		if attemptFails(c.Seed, c.ID, c.Attempt, c.FailPPM) != c.Fails {
			t.Errorf("%+v", c)
		}
	}
}

func TestBodiesAreThoseOfTheVectors(t *testing.T) {
	type body struct {
		Seed  uint64 `json:"seed"`
		Bytes int    `json:"bytes"`
		ID    uint64 `json:"id"`
		Body  string `json:"body"`
	}
	for _, c := range vectors[body](t, "bodies.json") {
		pool := newBodyPool(Fill{Seed: c.Seed, Bytes: c.Bytes})
		if got := hex.EncodeToString(pool.of(c.ID)); got != c.Body {
			t.Errorf("%+v: %s", c, got)
		}
		sent, err := hex.DecodeString(c.Body)
		if err != nil {
			t.Fatal(err)
		}
		if !pool.isIntact(c.ID, sent) {
			t.Errorf("%+v is not intact", c)
		}
		if len(sent) == 0 {
			sent = []byte{0}
		} else {
			sent[len(sent)-1] ^= 1
		}
		if pool.isIntact(c.ID, sent) {
			t.Errorf("%+v with a flipped bit is intact", c)
		}
	}
}
