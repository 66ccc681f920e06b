package rpc

import (
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// retryDelay is the time after which a request may be sent again that got unavailable.
const retryDelay = time.Second

// The names of the details that describe adds.
var (
	errorInfoName  = nameOf(&errdetails.ErrorInfo{})
	retryInfoName  = nameOf(&errdetails.RetryInfo{})
	badRequestName = nameOf(&errdetails.BadRequest{})
)

func nameOf(m proto.Message) string { return string(m.ProtoReflect().Descriptor().FullName()) }

// describe returns e with details for programs, within the limits of truncateError:
//
//   - google.rpc.ErrorInfo, always;
//   - google.rpc.RetryInfo, if a retry may succeed after a known time;
//   - google.rpc.ResourceInfo, if the error has a resource;
//   - google.rpc.BadRequest and buf.validate.Violations, for an invalid request.
//
// An error that has an ErrorInfo, such as that of another process, keeps its details
// unchanged. The domain is the service of the procedure. An error of no procedure, which is
// "", has serverDomain until it is described again with one.
func describe(e *connect.Error, procedure string) *connect.Error {
	if hasDetail(e, errorInfoName) {
		return truncateError(inDomain(e, domainOf(procedure)))
	}
	violations := violationsOf(e)
	if len(violations) == 0 && e.Code() == connect.CodeInvalidArgument && !hasDetail(e, badRequestName) {
		violations = []*violation{newViolation(fault.Field{Problem: e.Message()}, "")}
	}
	out := withoutDetails(e)
	named := len(violations) > 0 && violations[0].path != "" || hasDetail(e, badRequestName)
	addDetail(out, &errdetails.ErrorInfo{Reason: reasonOf(e.Code(), e, named), Domain: domainOf(procedure)})
	if delay := delayOf(e); delay > 0 && !hasDetail(e, retryInfoName) {
		addDetail(out, &errdetails.RetryInfo{RetryDelay: durationpb.New(delay)})
	}
	if resource, ok := fault.ResourceOf(e); ok {
		addDetail(out, &errdetails.ResourceInfo{ResourceType: resource.Type, ResourceName: truncate(validText(resource.Name), maxQuoteBytes)})
	}
	if len(violations) > 0 {
		badRequest, all := boundedViolations(violations)
		addDetail(out, badRequest)
		addDetail(out, all)
	}
	for _, d := range e.Details() {
		if len(violations) == 0 || d.Type() != violationsName {
			out.AddDetail(d)
		}
	}
	return truncateError(out)
}

// withoutDetails returns a copy of e without its details. e may be shared.
func withoutDetails(e *connect.Error) *connect.Error {
	out := connect.NewError(e.Code(), e.Unwrap())
	for key, values := range e.Meta() {
		out.Meta()[key] = values
	}
	return out
}

// inDomain returns e with a domain in place of serverDomain.
func inDomain(e *connect.Error, domain string) *connect.Error {
	info, ok := errorInfoOf(e)
	if !ok || info.GetDomain() != serverDomain || domain == serverDomain {
		return e
	}
	out := withoutDetails(e)
	for _, d := range e.Details() {
		if d.Type() == errorInfoName {
			addDetail(out, &errdetails.ErrorInfo{Reason: info.GetReason(), Domain: domain, Metadata: info.GetMetadata()})
		} else {
			out.AddDetail(d)
		}
	}
	return out
}

// errorInfoOf returns the ErrorInfo of e.
func errorInfoOf(e *connect.Error) (*errdetails.ErrorInfo, bool) {
	return detailOf[*errdetails.ErrorInfo](e, errorInfoName)
}

// detailOf returns the first detail of e of a type.
func detailOf[M proto.Message](e *connect.Error, name string) (detail M, ok bool) {
	for _, d := range e.Details() {
		if d.Type() == name {
			if value, err := d.Value(); err == nil {
				detail, ok = value.(M)
				return detail, ok
			}
		}
	}
	return detail, false
}

// delayOf returns the time after which a retry of the request may succeed, or 0.
func delayOf(e *connect.Error) time.Duration {
	delay := fault.DelayOf(e)
	if delay == 0 && e.Code() == connect.CodeUnavailable {
		return retryDelay
	}
	return delay
}

// retryDelayOf returns the delay in the RetryInfo of e, or 0.
func retryDelayOf(e *connect.Error) time.Duration {
	info, _ := detailOf[*errdetails.RetryInfo](e, retryInfoName)
	return info.GetRetryDelay().AsDuration()
}

// hasDetail reports whether e has a detail of a type.
func hasDetail(e *connect.Error, name string) bool {
	for _, d := range e.Details() {
		if d.Type() == name {
			return true
		}
	}
	return false
}

// addDetail adds a detail. All its strings must be UTF-8: another one is dropped.
func addDetail(e *connect.Error, detail proto.Message) {
	if d, err := connect.NewErrorDetail(detail); err == nil {
		e.AddDetail(d)
	}
}
