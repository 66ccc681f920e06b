package alert

import (
	"context"

	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/texttemplate"
)

// ListTemplates returns all text templates.
func (h *MessengerHandler) ListTemplates(ctx context.Context, _ *messengerv1.ListTemplatesRequest) (*messengerv1.ListTemplatesResponse, error) {
	all, err := h.Templates.Templates(ctx)
	if err != nil {
		return nil, err
	}
	res := &messengerv1.ListTemplatesResponse{Templates: make([]*messengerv1.Template, 0, len(all))}
	for _, t := range all {
		res.Templates = append(res.Templates, &messengerv1.Template{Messenger: t.Messenger, Severity: t.Severity, Text: t.Text})
	}
	return res, nil
}

// SetTemplate validates a text template, renders an example with it, and stores it.
func (h *MessengerHandler) SetTemplate(ctx context.Context, req *messengerv1.SetTemplateRequest) (*messengerv1.SetTemplateResponse, error) {
	t := Template{Messenger: req.GetTemplate().GetMessenger(), Severity: req.GetTemplate().GetSeverity(), Text: req.GetTemplate().GetText()}
	if _, known := messenger.Find(h.Specs, t.Messenger); !known {
		return nil, fault.InvalidField("template.messenger", "unknown messenger %q, use one of ListMessengers", t.Messenger)
	}
	p, err := texttemplate.Parse(t.Text)
	if err != nil {
		return nil, fault.InvalidField("template.text", "%w", err)
	}
	text, err := p.Execute(exampleData(t.Severity))
	if err != nil {
		return nil, fault.InvalidField("template.text", "%w", err)
	}
	if err := h.Templates.SetTemplate(ctx, t); err != nil {
		return nil, err
	}
	h.Renderer.invalidate()
	return &messengerv1.SetTemplateResponse{Example: text}, nil
}

// DeleteTemplate deletes a text template.
func (h *MessengerHandler) DeleteTemplate(ctx context.Context, req *messengerv1.DeleteTemplateRequest) (*messengerv1.DeleteTemplateResponse, error) {
	if err := h.Templates.DeleteTemplate(ctx, req.GetMessenger(), req.GetSeverity()); err != nil {
		return nil, err
	}
	h.Renderer.invalidate()
	return &messengerv1.DeleteTemplateResponse{}, nil
}
