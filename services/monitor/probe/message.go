package probe

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/bongsu-project/bongsu/internal/netguard"
)

func passed(format string, args ...any) Finding {
	return Finding{Outcome: Passed, Message: fmt.Sprintf(format, args...)}
}

func failed(format string, args ...any) Finding {
	return Finding{Outcome: Failed, Message: fmt.Sprintf(format, args...)}
}

func unknown(format string, args ...any) Finding {
	return Finding{Outcome: Unknown, Message: fmt.Sprintf(format, args...)}
}

// with returns the finding with a value.
func (f Finding) with(value float64) Finding {
	f.Value, f.HasValue = value, true
	return f
}

// ended returns the finding of a check whose context has ended: it failed by its timeout, and is
// unknown if it was canceled.
func ended(ctx context.Context, start time.Time) Finding {
	if errors.Is(ctx.Err(), context.Canceled) {
		return unknown("canceled")
	}
	timeout := time.Since(start)
	if deadline, ok := ctx.Deadline(); ok {
		timeout = deadline.Sub(start)
	}
	unit := 10 * time.Millisecond // the context began a little before
	if timeout > time.Second {
		unit = 100 * time.Millisecond
	}
	return failed("timeout after %s", max(timeout.Round(unit), unit))
}

// timeoutText is the reason of an operation that did not end in time.
const timeoutText = "timeout"

// reason returns the text of an error without URLs.
func reason(err error) string {
	var called *url.Error
	for errors.As(err, &called) {
		err = called.Err
	}
	var operation *net.OpError
	var timeout net.Error
	switch {
	case errors.Is(err, netguard.ErrForbidden):
		return "refused: the address is one of this machine, of a private network or reserved; an operator can permit private addresses by --monitor-private"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return timeoutText
	case errors.As(err, &operation) && operation.Op == "dial" && operation.Addr != nil:
		return fmt.Sprintf("connect to %s: %s", operation.Addr, root(operation.Err))
	}
	return err.Error()
}

// root returns the innermost error that an error wraps.
func root(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// clean returns a text of at most MaxMessage bytes without control characters.
func clean(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, " "))
	if len(text) <= MaxMessage {
		return text
	}
	const ellipsis = "…"
	end := MaxMessage - len(ellipsis)
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + ellipsis
}

// trimmed returns a number with at most two decimals.
func trimmed(value float64) string {
	return strconv.FormatFloat(math.Round(value*100)/100, 'f', -1, 64)
}
