package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"time"
)

const (
	// costTasks is how many tasks a round has: their records fit into the
	// smallest pipe (one page), so that nothing waits for a reader.
	costTasks = 100
	// costBytes is how much their bodies may come to, which makes them fewer
	// where bodies are large: who is told to end has seconds for it.
	costBytes  = 1 << 20
	costRounds = 51
)

// ownCost measures what a task costs besides the library: our own part of it,
// the middle one of some rounds.
func ownCost(work *Work) (time.Duration, error) {
	own := *work
	own.Handler = Handler{}
	reader, writer, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer reader.Close()
	defer writer.Close()
	out := newEvents(writer, own.WriteEach)
	h := &handler{work: &own, bodies: newBodyPool(own.Body), events: out}
	count := max(1, min(costTasks, costBytes/max(1, own.Body.Bytes)))
	texts := make([]string, count)
	bodies := make([][]byte, count)
	for n := range texts {
		texts[n] = fmt.Sprintf("%016x", n)
		// Not the pool's own bytes: what was received lies elsewhere.
		bodies[n] = slices.Clone(h.bodies.of(uint64(n)))
	}
	var rounds [costRounds]int64
	records := make([]byte, count*recordBytes)
	for round := range rounds {
		began := nanotime()
		for n, text := range texts {
			// A planned failure is one of its answers.
			_ = h.attempt(nanotime(), text, 0, true, bodies[n])
		}
		out.flush()
		rounds[round] = nanotime() - began
		if _, err := io.ReadFull(reader, records); err != nil {
			return 0, err
		}
	}
	slices.Sort(rounds[:])
	return time.Duration(rounds[costRounds/2] / int64(count)), nil
}
