package mockup

import (
	"fmt"
	"strings"
	"testing"
)

func TestRecordDropsTheOldest(t *testing.T) {
	var l callLog
	small := &Call{Path: "/old"}
	l.add(small)
	for range maxCalls {
		l.add(&Call{})
	}
	if n := len(l.kept()); n != maxCalls || l.kept()[0] == small {
		t.Errorf("kept %d calls, want the last %d", n, maxCalls)
	}
}

func TestRecordIsBoundedInBytes(t *testing.T) {
	var l callLog
	body := strings.Repeat("x", maxBody) // shared by all calls, to save memory
	for i := range 3 * maxBytes / maxBody {
		l.add(&Call{Path: fmt.Sprint(i), Body: body})
	}
	if l.bytes > maxBytes || l.bytes < maxBytes-2*maxBody {
		t.Errorf("kept %d bytes, want just under %d", l.bytes, maxBytes)
	}
	if last := l.kept()[len(l.kept())-1].Path; last != fmt.Sprint(3*maxBytes/maxBody-1) {
		t.Errorf("the last is %s", last)
	}
	if len(l.calls) > 2*len(l.kept())+2 {
		t.Errorf("%d dropped calls still use memory", l.start)
	}
}
