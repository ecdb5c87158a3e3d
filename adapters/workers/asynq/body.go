package main

import (
	"bytes"
	"encoding/binary"
)

const (
	bodyOffsets = 4096
	bodyPurpose = 0xb0d7
)

// bodyPool makes the body of any task again: a slice of seeded bytes at an
// offset that its id decides.
type bodyPool struct {
	bytes []byte
	size  int
	seed  uint64
}

func newBodyPool(fill Fill) *bodyPool {
	pool := &bodyPool{size: fill.Bytes, seed: purpose(fill.Seed, bodyPurpose)}
	if fill.Bytes == 0 {
		return pool
	}
	length := fill.Bytes + bodyOffsets
	pool.bytes = make([]byte, 0, length+8)
	for place := uint64(0); len(pool.bytes) < length; place++ {
		pool.bytes = binary.LittleEndian.AppendUint64(pool.bytes, valueAt(pool.seed, place))
	}
	return pool
}

func (p *bodyPool) of(id uint64) []byte {
	if p.size == 0 {
		return nil
	}
	offset := mix(p.seed^id) % bodyOffsets
	return p.bytes[offset : offset+uint64(p.size)]
}

// isIntact reports whether received is the body of that task.
func (p *bodyPool) isIntact(id uint64, received []byte) bool {
	return bytes.Equal(p.of(id), received)
}
