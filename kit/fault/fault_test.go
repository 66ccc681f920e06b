package fault_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"testing"

	"github.com/bongsu-project/bongsu/kit/fault"
)

var sentinels = []error{fault.ErrInvalid, fault.ErrNotFound, fault.ErrExists, fault.ErrConflict, fault.ErrPrecondition, fault.ErrDenied, fault.ErrUnauthenticated, fault.ErrExhausted, fault.ErrUnavailable}

func TestConstructors(t *testing.T) {
	for sentinel, newf := range map[error]func(string, ...any) error{
		fault.ErrInvalid:         fault.Invalidf,
		fault.ErrNotFound:        fault.NotFoundf,
		fault.ErrExists:          fault.Existsf,
		fault.ErrConflict:        fault.Conflictf,
		fault.ErrPrecondition:    fault.Preconditionf,
		fault.ErrDenied:          fault.Deniedf,
		fault.ErrUnauthenticated: fault.Unauthenticatedf,
		fault.ErrExhausted:       fault.Exhaustedf,
		fault.ErrUnavailable:     fault.Unavailablef,
	} {
		t.Run(sentinel.Error(), func(t *testing.T) {
			err := newf("group %d of %q", 7, "kim")
			if got := err.Error(); got != `group 7 of "kim"` {
				t.Errorf("text is %q", got)
			}
			for _, s := range sentinels {
				if want := s.Error() == sentinel.Error(); errors.Is(err, s) != want {
					t.Errorf("Is(%v) is %v, want %v", s, !want, want)
				}
			}
			if wrapped := fmt.Errorf("import: %w", err); !errors.Is(wrapped, sentinel) {
				t.Error("a wrapped fault does not match its sentinel")
			}
		})
	}
}

func TestCauses(t *testing.T) {
	path := &fs.PathError{Op: "open", Path: "key", Err: io.ErrUnexpectedEOF}
	err := fault.Unavailablef("seal key: %w", path)
	if got := err.Error(); got != "seal key: open key: unexpected EOF" {
		t.Errorf("text is %q", got)
	}
	if !errors.Is(err, fault.ErrUnavailable) || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("the sentinel or the cause is not matched")
	}
	if as, ok := errors.AsType[*fs.PathError](err); !ok || as != path {
		t.Errorf("As finds %v", as)
	}

	t.Run("several", func(t *testing.T) {
		err := fault.Invalidf("%w, then %w", io.EOF, io.ErrClosedPipe)
		if !errors.Is(err, io.EOF) || !errors.Is(err, io.ErrClosedPipe) || !errors.Is(err, fault.ErrInvalid) {
			t.Error("a cause is not matched")
		}
	})
	t.Run("faults in faults", func(t *testing.T) {
		err := fault.Invalidf("line 3: %w", fault.NotFoundf("user %q not found", "kim"))
		if got := err.Error(); got != `line 3: user "kim" not found` {
			t.Errorf("text is %q", got)
		}
		if !errors.Is(err, fault.ErrInvalid) || !errors.Is(err, fault.ErrNotFound) || errors.Is(err, fault.ErrExists) {
			t.Error("both faults, and only these, must match")
		}
	})
}
