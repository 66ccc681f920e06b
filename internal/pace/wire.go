package pace

import (
	"encoding/binary"
	"errors"
)

// version is the first byte of an encoded state. A value of another version is invalid,
// except for oldVersion, which lacks write times.
const (
	version    = 2
	oldVersion = 1
)

var errNoLine = errors.New("invalid encoding or unknown version of limiter state")

// numbersOf returns the numeric fields of a version, in encoding order.
func (l *line) numbersOf(version byte) []*int64 {
	all := [...]*int64{
		&l.Interval, &l.Next, &l.Moved, &l.Folded, &l.Start, &l.Urgent, &l.Phase, &l.Last, &l.Streak,
		&l.PausedUntil, &l.Resume, &l.BrokenUntil, &l.RefusedUntil, &l.ProbeUntil,
		&l.Wrote, &l.PausedFrom,
	}
	if version == oldVersion {
		return all[:len(all)-2]
	}
	return all[:]
}

// texts returns the text fields, in encoding order.
func (l *line) texts() [3]*string { return [...]*string{&l.Life, &l.PauseCode, &l.Code} }

// encode encodes the state in a few dozen bytes. It is encoded and decoded for each call
// to a destination, by all senders.
func (l *line) encode() []byte { return l.encodeAs(version) }

func (l *line) encodeAs(version byte) []byte {
	value := append(make([]byte, 0, 112), version)
	for _, n := range l.numbersOf(version) {
		value = binary.AppendVarint(value, *n)
	}
	for _, text := range l.texts() {
		value = binary.AppendUvarint(value, uint64(len(*text)))
		value = append(value, *text...)
	}
	return value
}

// decode decodes the output of encode.
func decode(value []byte) (l line, err error) {
	if len(value) == 0 || value[0] != version && value[0] != oldVersion {
		return line{}, errNoLine
	}
	numbers := l.numbersOf(value[0])
	value = value[1:]
	for _, n := range numbers {
		var size int
		if *n, size = binary.Varint(value); size <= 0 {
			return line{}, errNoLine
		}
		value = value[size:]
	}
	for _, text := range l.texts() {
		length, size := binary.Uvarint(value)
		if size <= 0 || length > uint64(len(value)-size) {
			return line{}, errNoLine
		}
		*text = string(value[size : size+int(length)])
		value = value[size+int(length):]
	}
	if len(value) > 0 {
		return line{}, errNoLine
	}
	return l, nil
}
