package edge

import (
	"math"
	"strconv"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/types/known/durationpb"
)

// minRetry is the least time to wait that an error names: a clock of a caller may be coarse.
const minRetry = time.Millisecond

// A limitText is the text of an error for a caller beyond a limit.
type limitText string

func (t limitText) Error() string { return string(t) }

// limitError returns the error of a request beyond a limit, with the time to wait in
// google.rpc.RetryInfo and, in whole seconds, in Retry-After.
func limitError(code connect.Code, text string, wait time.Duration) *connect.Error {
	wait = max(wait.Round(time.Millisecond), minRetry)
	err := connect.NewError(code, limitText(text))
	if detail, failed := connect.NewErrorDetail(&errdetails.RetryInfo{RetryDelay: durationpb.New(wait)}); failed == nil {
		err.AddDetail(detail)
	}
	err.Meta()["Retry-After"] = []string{strconv.Itoa(wholeSeconds(wait))}
	return err
}

// wholeSeconds returns a duration in seconds, rounded up.
func wholeSeconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }
