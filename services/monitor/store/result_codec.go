package store

import (
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
	"slices"
	"time"

	"github.com/bongsu-project/bongsu/services/monitor"
	"github.com/bongsu-project/bongsu/services/monitor/probe"
)

// Results are stored one after the other in a block. A result is
//
//	flags    a byte: the outcome in 2 bits, the state in 3, whether it has a value, and in 2 bits
//	         whether it has no message, that of the last result with one, or a new one
//	time     uvarint, microseconds since the result before; of the first since 1970
//	latency  uvarint, microseconds
//	value    uvarint of the reversed bits, as in package gob: whole numbers are short
//	message  uvarint length, and its bytes
//
// So a result that passed takes 8 bytes.
const (
	stateShift   = 2
	hasValue     = 1 << 5
	sameMessage  = 1 << 6
	newMessage   = 2 << 6
	messageFlags = sameMessage | newMessage
)

// A block is consecutive results of a monitor within an hour.
type block struct {
	count   int
	encoded []byte
}

// maxBlockResults and maxBlockBytes are the maximum of a block, above which a new one begins. A
// block is written again with each of its results until it is full.
const (
	maxBlockResults = 60
	maxBlockBytes   = 1000
)

// A blockReader reads the results of a block.
type blockReader struct {
	rest    []byte
	time    int64 // of the last result
	message []byte
	latency int64
	flags   byte
	value   float64
}

var errBlock = errors.New("invalid block of results")

// next reads the next result. It returns false after the last one.
func (r *blockReader) next() (bool, error) {
	if len(r.rest) == 0 {
		return false, nil
	}
	r.flags, r.rest = r.rest[0], r.rest[1:]
	passed, ok := r.uvarint()
	latency, ok2 := r.uvarint()
	if !ok || !ok2 {
		return false, errBlock
	}
	r.time, r.latency = r.time+int64(passed), int64(latency)
	if r.flags&hasValue != 0 {
		reversed, ok := r.uvarint()
		if !ok {
			return false, errBlock
		}
		r.value = math.Float64frombits(bits.ReverseBytes64(reversed))
	}
	if r.flags&messageFlags == newMessage {
		n, ok := r.uvarint()
		if !ok || n > uint64(len(r.rest)) {
			return false, errBlock
		}
		r.message, r.rest = r.rest[:n], r.rest[n:]
	}
	return true, nil
}

func (r *blockReader) uvarint() (uint64, bool) {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		return 0, false
	}
	r.rest = r.rest[n:]
	return v, true
}

func (r *blockReader) outcome() probe.Outcome { return probe.Outcome(r.flags & 3) }

// result returns the result that was read.
func (r *blockReader) result() monitor.Result {
	found := monitor.Result{
		Time: moment(r.time), Latency: time.Duration(r.latency) * time.Microsecond, State: monitor.State(r.flags >> stateShift & 7),
		Finding: probe.Finding{Outcome: r.outcome()},
	}
	if r.flags&hasValue != 0 {
		found.Value, found.HasValue = r.value, true
	}
	if r.flags&messageFlags != 0 {
		found.Message = string(r.message)
	}
	return found
}

// last returns a reader at the last result of a block, or an empty one.
func (b block) last() (r blockReader, err error) {
	r.rest = b.encoded
	for {
		switch more, err := r.next(); {
		case err != nil:
			return r, err
		case !more:
			return r, nil
		}
	}
}

// fits reports whether another result fits into a block whose last result was at a time.
func (b block) fits(last int64, r monitor.Result) bool {
	return b.count < maxBlockResults && len(b.encoded)+len(r.Message) < maxBlockBytes && hourOf(last) == hourOf(micros(r.Time))
}

// append returns the block with another result; last is its last one.
func (b block) append(last blockReader, r monitor.Result) block {
	flags := byte(r.Outcome)&3 | byte(r.State)&7<<stateShift
	message := storable(r.Message)
	switch {
	case message == "":
	case message == string(last.message):
		flags |= sameMessage
	default:
		flags |= newMessage
	}
	if r.HasValue {
		flags |= hasValue
	}
	e := append(slices.Clip(b.encoded), flags) // a copy
	e = binary.AppendUvarint(e, uint64(micros(r.Time)-last.time))
	e = binary.AppendUvarint(e, uint64(max(0, r.Latency.Microseconds())))
	if r.HasValue {
		e = binary.AppendUvarint(e, bits.ReverseBytes64(math.Float64bits(r.Value)))
	}
	if flags&messageFlags == newMessage {
		e = append(binary.AppendUvarint(e, uint64(len(message))), message...)
	}
	return block{b.count + 1, e}
}

// outcomes returns a bit for each outcome of the results of a block.
func (b block) outcomes() (set int64, err error) {
	r := blockReader{rest: b.encoded}
	for {
		more, err := r.next()
		if err != nil || !more {
			return set, err
		}
		set |= 1 << r.outcome()
	}
}

// hourOf returns the start of the hour of a time.
func hourOf(micros int64) int64 { return micros - micros%time.Hour.Microseconds() }
