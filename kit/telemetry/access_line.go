package telemetry

import (
	"encoding/json"
	"net/netip"
	"strconv"
	"time"
	"unicode/utf8"
)

// An accessFormat is a Format of access lines. It appends a line without memory of its own:
// slog takes five times as long for so many attributes.
type accessFormat struct {
	format Format
	keys   [len(entryFields)]string // what precedes the value of each field
	header string                   // between the time and the first field
}

func newAccessFormat(f Format, service string) *accessFormat {
	a := &accessFormat{format: f}
	for i, field := range entryFields {
		switch f {
		case Text:
			a.keys[i] = " " + field.name + "="
		case JSON:
			a.keys[i] = `,"` + field.name + `":`
		case ECS:
			a.keys[i] = `,"` + field.ecs + `":`
		}
	}
	switch f {
	case Text:
		a.header = " level=INFO msg=" + accessMessage
	case JSON:
		a.header = `","level":"INFO","msg":"` + accessMessage + `"`
	case ECS:
		a.header = `","log.level":"info","message":"` + accessMessage + `","ecs.version":"` + ecsVersion + `","service.name":` +
			string(appendJSONString(nil, service)) + `,"event.dataset":` + string(appendJSONString(nil, service+".access"))
	}
	return a
}

func (f *accessFormat) begin(dst []byte, t time.Time) []byte {
	switch f.format {
	case Text:
		dst = append(dst, "time="...)
	case JSON:
		dst = append(dst, `{"time":"`...)
	case ECS:
		dst, t = append(dst, `{"@timestamp":"`...), t.UTC()
	}
	return append(t.AppendFormat(dst, time.RFC3339Nano), f.header...)
}

func (f *accessFormat) end(dst []byte, failed bool) []byte {
	switch {
	case f.format == Text:
		return append(dst, '\n')
	case f.format == JSON:
		return append(dst, "}\n"...)
	case failed:
		return append(dst, `,"event.outcome":"failure"}`+"\n"...)
	}
	return append(dst, `,"event.outcome":"success"}`+"\n"...)
}

func (f *accessFormat) string(dst []byte, field int, value string) []byte {
	switch {
	case value == "":
		return dst
	case f.format == Text:
		return appendTextString(append(dst, f.keys[field]...), value)
	}
	return appendJSONString(append(dst, f.keys[field]...), value)
}

func (f *accessFormat) number(dst []byte, field int, value int64) []byte {
	return strconv.AppendInt(append(dst, f.keys[field]...), value, 10)
}

func (f *accessFormat) address(dst []byte, field int, value netip.Addr) []byte {
	if !value.IsValid() {
		return dst
	}
	value = value.Unmap().WithZone("") // a zone is any text
	dst = append(dst, f.keys[field]...)
	if f.format == Text {
		return value.AppendTo(dst)
	}
	return append(value.AppendTo(append(dst, '"')), '"')
}

func (f *accessFormat) duration(dst []byte, field int, value time.Duration) []byte {
	if f.format == Text {
		return append(append(dst, f.keys[field]...), value.String()...)
	}
	return f.number(dst, field, int64(value))
}

// appendJSONString appends a string of JSON.
func appendJSONString(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) // a string can always be marshaled
			return append(dst, quoted...)
		}
	}
	return append(append(append(dst, '"'), s...), '"')
}

// appendTextString appends a value of key=value, quoted where it would end early.
func appendTextString(dst []byte, s string) []byte {
	plain := true
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ' || c >= 0x7f || c == '"' || c == '\\':
			return strconv.AppendQuote(dst, s)
		case c == ' ' || c == '=':
			plain = false
		}
	}
	if plain {
		return append(dst, s...)
	}
	return append(append(append(dst, '"'), s...), '"')
}
