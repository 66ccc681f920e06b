package pace

import (
	"encoding/binary"
	"errors"
)

// version is the first byte of an encoded state. A value of another version is invalid,
// except for previousVersion, which lacks write times.
const (
	version         = 2
	previousVersion = 1
)

var errNotState = errors.New("invalid encoding or unknown version of limiter state")

// numericFields returns the numeric fields of a version, in encoding order.
func (l *state) numericFields(version byte) []*int64 {
	all := [...]*int64{
		&l.Interval, &l.Next, &l.PauseShift, &l.RunShift, &l.Start, &l.Urgent, &l.Phase, &l.Last, &l.Streak,
		&l.PausedUntil, &l.Resume, &l.BrokenUntil, &l.RefusedUntil, &l.ProbeUntil,
		&l.WriteTime, &l.PausedFrom,
	}
	if version == previousVersion {
		return all[:len(all)-2]
	}
	return all[:]
}

// textFields returns the text fields, in encoding order.
func (l *state) textFields() [3]*string { return [...]*string{&l.Generation, &l.PauseCode, &l.Code} }

// encode encodes the state in a few dozen bytes. It is encoded and decoded for each call
// to a destination, by all senders.
func (l *state) encode() []byte { return l.encodeAs(version) }

func (l *state) encodeAs(version byte) []byte {
	value := append(make([]byte, 0, 112), version)
	for _, n := range l.numericFields(version) {
		value = binary.AppendVarint(value, *n)
	}
	for _, text := range l.textFields() {
		value = binary.AppendUvarint(value, uint64(len(*text)))
		value = append(value, *text...)
	}
	return value
}

// decodeState decodes the output of encode.
func decodeState(value []byte) (l state, err error) {
	if len(value) == 0 || value[0] != version && value[0] != previousVersion {
		return state{}, errNotState
	}
	numbers := l.numericFields(value[0])
	value = value[1:]
	for _, n := range numbers {
		var size int
		if *n, size = binary.Varint(value); size <= 0 {
			return state{}, errNotState
		}
		value = value[size:]
	}
	for _, text := range l.textFields() {
		length, size := binary.Uvarint(value)
		if size <= 0 || length > uint64(len(value)-size) {
			return state{}, errNotState
		}
		*text = string(value[size : size+int(length)])
		value = value[size+int(length):]
	}
	if len(value) > 0 {
		return state{}, errNotState
	}
	return l, nil
}
