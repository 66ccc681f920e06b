package mockup

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1/mockupv1connect"
)

// A Handler implements MockupService.
type Handler struct{ Mockup *Mockup }

var _ mockupv1connect.MockupServiceHandler = (*Handler)(nil)

// ListCalls returns the recorded calls.
func (h *Handler) ListCalls(_ context.Context, req *mockupv1.ListCallsRequest) (*mockupv1.ListCallsResponse, error) {
	calls := h.Mockup.Calls(req.GetPath())
	res := &mockupv1.ListCallsResponse{Calls: make([]*mockupv1.Call, len(calls))}
	for i, c := range calls {
		res.Calls[i] = c.toProto()
	}
	return res, nil
}

// ListMessages returns the messages that users of the providers see.
func (h *Handler) ListMessages(_ context.Context, req *mockupv1.ListMessagesRequest) (*mockupv1.ListMessagesResponse, error) {
	messages := h.Mockup.Messages(req.GetProvider(), req.GetDestination())
	res := &mockupv1.ListMessagesResponse{Messages: make([]*mockupv1.Message, len(messages))}
	for i, v := range messages {
		res.Messages[i] = v.toProto()
	}
	return res, nil
}

// Reset deletes all calls, all messages and all faults.
func (h *Handler) Reset(context.Context, *mockupv1.ResetRequest) (*mockupv1.ResetResponse, error) {
	h.Mockup.Reset()
	return &mockupv1.ResetResponse{}, nil
}

// SetFault sets a fault of the fakes.
func (h *Handler) SetFault(_ context.Context, req *mockupv1.SetFaultRequest) (*mockupv1.SetFaultResponse, error) {
	if err := h.Mockup.SetFault(fromProto(req.GetFault())); err != nil {
		return nil, err
	}
	return &mockupv1.SetFaultResponse{}, nil
}

// SetLimits makes the fakes enforce their providers' rate limits, or stops it.
func (h *Handler) SetLimits(_ context.Context, req *mockupv1.SetLimitsRequest) (*mockupv1.SetLimitsResponse, error) {
	h.Mockup.SetLimited(req.GetKept())
	return &mockupv1.SetLimitsResponse{}, nil
}

func (c Call) toProto() *mockupv1.Call {
	return &mockupv1.Call{
		Method:        c.Method,
		Path:          c.Path,
		Query:         c.Query,
		Headers:       headersToProto(c.Headers),
		Body:          c.Body,
		Time:          timestamppb.New(c.Time),
		AnswerStatus:  int32(c.AnswerStatus),
		AnswerHeaders: headersToProto(c.AnswerHeaders),
		AnswerBody:    c.AnswerBody,
	}
}

func (v Message) toProto() *mockupv1.Message {
	return &mockupv1.Message{
		Provider:    v.Provider,
		Destination: v.Destination,
		Id:          v.ID,
		Thread:      v.Thread,
		Text:        v.Text,
		State:       v.State,
		ChangeCount: int32(v.ChangeCount),
		Time:        timestamppb.New(v.Time),
		UpdateTime:  timestamppb.New(v.UpdateTime),
	}
}

func headersToProto(headers []Header) map[string]string {
	m := make(map[string]string, len(headers))
	for _, h := range headers {
		m[h.Name] = h.Value
	}
	return m
}

func fromProto(f *mockupv1.Fault) Fault {
	return Fault{
		Path:            f.GetPath(),
		BodyContains:    f.GetBodyContains(),
		Share:           f.GetShare(),
		Delay:           f.GetDelay().AsDuration(),
		Status:          int(f.GetStatus()),
		Headers:         f.GetHeaders(),
		Body:            f.GetBody(),
		PerSecond:       f.GetPerSecond(),
		Credential:      f.GetCredential(),
		CloseConnection: f.GetCloseConnection(),
		CutAnswer:       f.GetCutAnswer(),
	}
}
