package edge

import (
	"math"
	"strconv"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// minRetry is the least time to wait that an error names: a clock of a caller may be coarse.
const minRetry = time.Millisecond

// errorReasons maps the reasons of metrics to those of google.rpc.ErrorInfo.
var errorReasons = map[string]string{
	RefusedBanned:              "ADDRESS_BANNED",
	RefusedAddressLimit:        "ADDRESS_LIMIT_EXCEEDED",
	RefusedAddressCalls:        "TOO_MANY_CALLS",
	RefusedServiceLimit:        "SERVICE_LIMIT_EXCEEDED",
	RefusedMaxCalls:            "TOO_MANY_CALLS",
	RefusedMaxStreams:          "TOO_MANY_STREAMS",
	RefusedMaxStreamsPerCaller: "TOO_MANY_STREAMS",
}

// A limitText is the text of an error for a caller beyond a limit.
type limitText string

func (t limitText) Error() string { return string(t) }

// refusalError returns an error for a reason of metrics, with the time to wait in whole seconds
// in Retry-After.
func refusalError(code connect.Code, reason, text string, wait time.Duration) *connect.Error {
	err := connect.NewError(code, fault.WithReason(limitText(text), errorReasons[reason]))
	err.Meta()["Retry-After"] = []string{strconv.Itoa(wholeSeconds(wait))}
	return err
}

// limitError is refusalError of a request beyond a limit, with the time to wait in
// google.rpc.RetryInfo too.
func limitError(code connect.Code, reason, text string, wait time.Duration) *connect.Error {
	wait = max(wait.Round(time.Millisecond), minRetry)
	err := refusalError(code, reason, text, wait)
	if detail, failed := connect.NewErrorDetail(&errdetails.RetryInfo{RetryDelay: durationpb.New(wait)}); failed == nil {
		err.AddDetail(detail)
	}
	return err
}

// wholeSeconds returns a duration in seconds, rounded up.
func wholeSeconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }
