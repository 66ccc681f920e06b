package pace

import (
	"encoding/binary"
	"errors"
)

// version is the first byte of a line in the bucket. A value that begins with another
// is taken for none, but for oldVersion: that has no times of who wrote it.
const (
	version    = 2
	oldVersion = 1
)

var errNoLine = errors.New("it is no line of this version")

// numbersOf are those of a line in a version, in the order in which they are written.
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

// texts are those of a line.
func (l *line) texts() [3]*string { return [...]*string{&l.Life, &l.PauseCode, &l.Code} }

// encode writes the line in a few dozen bytes. One is written and read for each call to
// a destination, by all senders.
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

// decode reads what encode wrote.
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
