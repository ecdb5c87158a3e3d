package main

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"runtime/debug"
	"testing"
)

func TestEachStopForACollectionIsReportedOnce(t *testing.T) {
	// No collection but those that it asks for.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var pipe bytes.Buffer
	events := newEvents(&pipe, true)
	runtime.GC()
	stops := newPauses()
	stops.look(events)
	if pipe.Len() != 0 {
		t.Fatal("a stop of before")
	}
	before := nanotime()
	runtime.GC()
	stops.look(events)
	stops.look(events)
	// A collection stops the world at its begin and at its end.
	if pipe.Len() != 2*recordBytes {
		t.Fatalf("%d bytes of events", pipe.Len())
	}
	for pipe.Len() > 0 {
		record := pipe.Next(recordBytes)
		start, end := binary.LittleEndian.Uint64(record[16:]), binary.LittleEndian.Uint64(record[24:])
		// The bound of its bucket is a quarter more than its length at most.
		longest := uint64(nanotime()-before) * 5 / 4
		if status(record[12]) != pause || start >= end || end < uint64(before) || end-start > longest {
			t.Errorf("% x", record)
		}
	}
}
