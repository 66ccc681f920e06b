package mockup

import (
	"fmt"
	"strings"
	"testing"
)

func TestRecordDropsTheOldest(t *testing.T) {
	var r callLog
	small := &Call{Path: "/old"}
	r.add(small)
	for range maxCalls {
		r.add(&Call{})
	}
	if n := len(r.kept()); n != maxCalls || r.kept()[0] == small {
		t.Errorf("kept %d calls, want the last %d", n, maxCalls)
	}
}

func TestRecordIsBoundedInBytes(t *testing.T) {
	var r callLog
	body := strings.Repeat("x", maxBody) // shared by all calls, to save memory
	for i := range 3 * maxBytes / maxBody {
		r.add(&Call{Path: fmt.Sprint(i), Body: body})
	}
	if r.bytes > maxBytes || r.bytes < maxBytes-2*maxBody {
		t.Errorf("kept %d bytes, want just under %d", r.bytes, maxBytes)
	}
	if last := r.kept()[len(r.kept())-1].Path; last != fmt.Sprint(3*maxBytes/maxBody-1) {
		t.Errorf("the last is %s", last)
	}
	if len(r.calls) > 2*len(r.kept())+2 {
		t.Errorf("%d dropped calls still use memory", r.start)
	}
}
