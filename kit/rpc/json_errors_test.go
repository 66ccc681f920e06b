package rpc

import (
	"errors"
	"testing"
	"unicode/utf8"
)

func TestBadJSONNamesTheField(t *testing.T) {
	for _, c := range []struct{ err, data, want string }{
		{`proto: syntax error (line 1:11): unexpected token "@user1"`, `{"target":"@user1","message":"m"}`, `target: syntax error (line 1:11): unexpected token "@user1"`},
		{"proto:\u00a0(line 2:12): invalid value", "{\"a\":1,\n \"message\": 7}", `message: (line 2:12): invalid value`},
		{`proto: (line 1:2): unknown field "x"`, `{"x":1}`, `x: (line 1:2): unknown field "x"`},
		{`proto: (line 1:16): bad`, `{"a":[1,2],"b":{"c":[true]},"d":1}`, `b: (line 1:16): bad`},
		{`proto: (line 1:23): bad`, `{"a":[{},{"b":[1,{"c":true}]}]}`, `a[1].b[1].c: (line 1:23): bad`},
		{`proto: syntax error (line 1:1): invalid value hello`, `hello`, `invalid JSON body: syntax error (line 1:1): invalid value hello`},
		{`proto: unexpected EOF`, `{"a":`, `invalid JSON body: unexpected EOF`},
		{`proto: (line 99:99): bad`, `{}`, `invalid JSON body: (line 99:99): bad`},
	} {
		if got := jsonError(errors.New(c.err), []byte(c.data), "").Error(); got != c.want {
			t.Errorf("%s in %s\n got %s\nwant %s", c.err, c.data, got, c.want)
		}
	}
}

func FuzzBadJSON(f *testing.F) {
	f.Add([]byte(`{"target":["@user1"],"message":7}`), 1, 30)
	f.Add([]byte("{\"a\":\n\n{\"b\":[}"), 3, 2)
	f.Fuzz(func(t *testing.T, data []byte, line, column int) {
		if name := fieldAt(data, byteOffset(data, line, column)); !utf8.ValidString(name) || len(name) > 3*maxQuoteBytes {
			t.Errorf("%q names %q", data, name)
		}
	})
}
