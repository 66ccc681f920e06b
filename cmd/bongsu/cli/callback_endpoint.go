package cli

import (
	"context"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
)

// callbackEndpointCreate is the command bongsu callback-endpoint create.
type callbackEndpointCreate struct {
	client
	Name   string `arg:"" help:"The name, by which alerts select the endpoint: at most 100 characters of a-z, 0-9, - and _."`
	URL    string `arg:"" name:"url" help:"The URL that is called, https://…; it must hold no secret."`
	Secret string `placeholder:"-" help:"- reads the signing secret, whsec_ and 24 to 64 bytes in Base64, from standard input; by default it is random."`
}

// Help returns the long help.
func (callbackEndpointCreate) Help() string {
	return `The end of each delivery of an alert with this callback is reported to the URL, and that it was read. Requests are signed as Standard Webhooks specifies, with the secret that is printed once.

Examples:

	bongsu callback-endpoint create orders https://orders.example.com/bongsu
	bongsu alert send @kim --callback=orders "order 7 is on its way"`
}

// Run executes bongsu callback-endpoint create.
func (c callbackEndpointCreate) Run(ctx context.Context, con *console) error {
	req := &alertv1.CreateCallbackEndpointRequest{Name: c.Name, Url: c.URL}
	switch c.Secret {
	case "":
	case "-":
		secret, err := readAll(con.In, "the signing secret")
		if err != nil {
			return err
		}
		req.Secret = secret
	default:
		return usagef("--secret must be -: pipe the signing secret in, because command lines are visible to other users")
	}
	res, err := c.callbackEndpoints().CreateCallbackEndpoint(ctx, req)
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		p.say("%s", res.GetSecret())
		con.warn("keep it in a safe place: it is not shown again; the endpoint verifies requests with it")
	})
}

// callbackEndpointList is the command bongsu callback-endpoint list.
type callbackEndpointList struct{ client }

// Help returns the long help.
func (callbackEndpointList) Help() string {
	return "Examples:\n\n\tbongsu callback-endpoint list\n\tbongsu callback-endpoint list --json"
}

// Run executes bongsu callback-endpoint list.
func (c callbackEndpointList) Run(ctx context.Context, con *console) error {
	res, err := c.callbackEndpoints().ListCallbackEndpoints(ctx, &alertv1.ListCallbackEndpointsRequest{})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		if len(res.GetEndpoints()) == 0 {
			p.say("no callback endpoints")
			return
		}
		p.row("NAME", "URL", "CREATED", "WAITING", "LAST ERROR")
		for _, e := range res.GetEndpoints() {
			p.row(e.GetName(), e.GetUrl(), p.time(e.GetCreateTime()), e.GetWaitingCount(), e.GetLastError())
		}
	})
}

// callbackEndpointDelete is the command bongsu callback-endpoint delete.
type callbackEndpointDelete struct {
	client
	Name string `arg:"" help:"The name of the endpoint."`
}

// Help returns the long help.
func (callbackEndpointDelete) Help() string {
	return "Reports that wait for the endpoint are deleted too.\n\nExample:\n\n\tbongsu callback-endpoint delete orders"
}

// Run executes bongsu callback-endpoint delete.
func (c callbackEndpointDelete) Run(ctx context.Context, con *console) error {
	res, err := c.callbackEndpoints().DeleteCallbackEndpoint(ctx, &alertv1.DeleteCallbackEndpointRequest{Name: c.Name})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { p.say("callback endpoint %s is deleted", c.Name) })
}
