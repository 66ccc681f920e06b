package ratelimit

import (
	"encoding/binary"
	"errors"
)

// version is the first byte of an encoded state. A value of another version is invalid, except
// for previousVersion, which lacks write times, and slowVersion, which has slow slots too: only a
// state with slow slots is of that version, so that processes of an earlier release can decode
// all others.
const (
	slowVersion     = 3
	version         = 2
	previousVersion = 1
)

var errNotState = errors.New("invalid encoding or unknown version of limiter state")

// numericFields returns the numeric fields of a version, in encoding order.
func (st *state) numericFields(version byte) []*int64 {
	all := [...]*int64{
		&st.Interval, &st.Next, &st.PauseShift, &st.RunShift, &st.Start, &st.Urgent, &st.Phase, &st.Last, &st.Streak,
		&st.PausedUntil, &st.Resume, &st.BrokenUntil, &st.RefusedUntil, &st.ProbeUntil,
		&st.WriteTime, &st.PausedFrom,
		&st.SlowInterval, &st.SlowUntil,
	}
	switch version {
	case previousVersion:
		return all[:len(all)-4]
	case slowVersion:
		return all[:]
	}
	return all[:len(all)-2]
}

// textFields returns the text fields, in encoding order.
func (st *state) textFields() [3]*string {
	return [...]*string{&st.Generation, &st.PauseCode, &st.Code}
}

// encode encodes the state in a few dozen bytes. It is encoded and decoded for each call,
// by all processes.
func (st *state) encode() []byte {
	if st.SlowInterval != 0 || st.SlowUntil != 0 {
		return st.encodeAs(slowVersion)
	}
	return st.encodeAs(version)
}

func (st *state) encodeAs(version byte) []byte {
	value := append(make([]byte, 0, 112), version)
	for _, n := range st.numericFields(version) {
		value = binary.AppendVarint(value, *n)
	}
	for _, text := range st.textFields() {
		value = binary.AppendUvarint(value, uint64(len(*text)))
		value = append(value, *text...)
	}
	return value
}

// decodeState decodes the output of encode.
func decodeState(value []byte) (s state, err error) {
	if len(value) == 0 || value[0] < previousVersion || value[0] > slowVersion {
		return state{}, errNotState
	}
	numbers := s.numericFields(value[0])
	value = value[1:]
	for _, n := range numbers {
		var size int
		if *n, size = binary.Varint(value); size <= 0 {
			return state{}, errNotState
		}
		value = value[size:]
	}
	for _, text := range s.textFields() {
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
	return s, nil
}
