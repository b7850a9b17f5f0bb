package search

import (
	"encoding/binary"
	"hash/fnv"
	"io"
	"math/bits"
)

// The measures of a segment.
const (
	SegmentSize = 8192 // ids of a segment
	CellSize    = 4    // ids of a cell
	Buckets     = 256  // parts that a segment is kept in, each with the trigrams of some hashes
	cells       = SegmentSize / CellSize
	words       = cells / 64
	slots       = 1 << 16
	perBucket   = slots / Buckets
)

// Field is a part of an event that can be looked into.
type Field uint8

// The fields.
const (
	Message Field = iota
	Service
)

// Slot stands for the trigrams of one hash.
type Slot uint16

// Bucket gives the part of a segment in which a slot is.
func (s Slot) Bucket() int { return int(s) / perBucket }

// slot hashes the three low bytes of t.
func slot(f Field, t uint32) Slot {
	return Slot((t&0xffffff | uint32(f)<<24) * 0x9e3779b1 >> 16)
}

// slotsOfName gives the slots that stand for a service by its whole name. They are two, so that a trigram that is in every
// event cannot hide the service by having the hash of one, and in one bucket, so that a look for them reads one part.
func slotsOfName(service string) [2]Slot {
	h := fnv.New64a()
	_, _ = io.WriteString(h, service)
	sum := h.Sum64()
	first := Slot(sum)
	second := first&^(perBucket-1) | Slot(sum>>16)%perBucket
	if second == first {
		second ^= 1
	}
	return [2]Slot{first, second}
}

// Cells is a set of cells of one segment.
type Cells [words]uint64

// AllCells gives the set of all.
func AllCells() (c Cells) {
	for i := range c {
		c[i] = ^uint64(0)
	}
	return c
}

func (c *Cells) add(cell int)      { c[cell/64] |= 1 << (cell % 64) }
func (c *Cells) Has(cell int) bool { return c[cell/64]&(1<<(cell%64)) != 0 }

func (c *Cells) and(d *Cells) {
	for i := range c {
		c[i] &= d[i]
	}
}

func (c *Cells) or(d *Cells) {
	for i := range c {
		c[i] |= d[i]
	}
}

// Count gives how many cells are in the set.
func (c *Cells) Count() int {
	n := 0
	for _, w := range c {
		n += bits.OnesCount64(w)
	}
	return n
}

// Builder makes a segment. It may be used again after Reset, and by one goroutine at a time.
type Builder struct {
	slots    [slots]Cells
	services map[string][]Slot // most events come from few services
	buffer   []byte
}

// maxServices bounds what a builder remembers of names.
const maxServices = 10_000

// Reset forgets what was added.
func (b *Builder) Reset() {
	clear(b.slots[:])
	if b.services == nil || len(b.services) > maxServices {
		b.services = map[string][]Slot{}
	}
}

// Add adds an event; offset is its id less the first id of the segment.
func (b *Builder) Add(offset int, service, message string) {
	cell := offset / CellSize
	word, bit := cell/64, uint64(1)<<(cell%64)
	known, ok := b.services[service]
	if !ok {
		b.buffer = appendFold(b.buffer[:0], service)
		eachTrigram(b.buffer, func(t uint32) { known = append(known, slot(Service, t)) })
		name := slotsOfName(service)
		known = append(known, name[:]...)
		b.services[service] = known
	}
	for _, s := range known {
		b.slots[s][word] |= bit
	}
	b.buffer = appendFold(b.buffer[:0], message)
	t := uint32(0)
	for i, c := range b.buffer {
		t = t<<8 | uint32(c)
		if i >= 2 {
			b.slots[slot(Message, t)][word] |= bit
		}
	}
}

func eachTrigram[T string | []byte](text T, visit func(uint32)) {
	t := uint32(0)
	for i := range len(text) {
		t = t<<8 | uint32(text[i])
		if i >= 2 {
			visit(t & 0xffffff)
		}
	}
}

// A part is a row of entries, one for each slot that has cells: the low byte of the slot; a length; and as many bytes,
// which are the distances from cell to cell as unsigned varints. The length 0 means that the set itself follows.
const setBytes = words * 8

// Parts gives the parts of the segment, by bucket. Parts without any trigram are nil.
func (b *Builder) Parts() [][]byte {
	out := make([][]byte, Buckets)
	for i := range out {
		for low := range perBucket {
			if set := &b.slots[i*perBucket+low]; *set != (Cells{}) {
				out[i] = appendEntry(out[i], byte(low), set)
			}
		}
	}
	return out
}

func appendEntry(b []byte, low byte, set *Cells) []byte {
	if set.Count() < setBytes {
		start := len(b)
		b = append(b, low, 0)
		last := 0
		for w, word := range set {
			for ; word != 0; word &= word - 1 {
				cell := w*64 + bits.TrailingZeros64(word)
				b = binary.AppendUvarint(b, uint64(cell-last))
				last = cell
			}
		}
		if n := len(b) - start - 2; n < setBytes {
			b[start+1] = byte(n)
			return b
		}
		b = b[:start]
	}
	b = append(b, low, 0)
	for _, word := range set {
		b = binary.LittleEndian.AppendUint64(b, word)
	}
	return b
}

// Lookup gives the cells of a slot from the part of its bucket. It reports false for a part that no Builder made.
func Lookup(part []byte, s Slot) (set Cells, ok bool) {
	low := byte(int(s) % perBucket)
	for len(part) >= 2 {
		found, n := part[0], int(part[1])
		part = part[2:]
		size := n
		if n == 0 {
			size = setBytes
		}
		switch {
		case size > len(part):
			return set, false
		case found > low:
			return set, true
		case found < low:
			part = part[size:]
			continue
		case n == 0:
			for i := range set {
				set[i] = binary.LittleEndian.Uint64(part[i*8:])
			}
			return set, true
		}
		return decode(part[:n])
	}
	return set, len(part) == 0
}

func decode(distances []byte) (set Cells, ok bool) {
	cell := uint64(0)
	for len(distances) > 0 {
		d, n := binary.Uvarint(distances)
		if n <= 0 || d >= cells || cell+d >= cells {
			return set, false
		}
		cell += d
		set.add(int(cell))
		distances = distances[n:]
	}
	return set, true
}
