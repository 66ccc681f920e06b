package cli

import (
	"context"

	registryv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/registry/v1"
)

// instanceList is the command bongsu instance list.
type instanceList struct{ client }

// Help returns the long help.
func (instanceList) Help() string {
	return "Lists the ports of the processes of a deployment, as the edge knows them. Calls go to instances that are serving. One that is draining stops; one that is failing gets calls again once it responds.\n\nExamples:\n\n\tbongsu instance list\n\tbongsu instance list --json"
}

// Run executes bongsu instance list.
func (c instanceList) Run(ctx context.Context, con *console) error {
	res, err := c.registry().ListInstances(ctx, &registryv1.ListInstancesRequest{})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		if len(res.GetInstances()) == 0 {
			p.say("no instances")
			return
		}
		p.row("NAME", "STATE", "URL", "VERSION", "STARTED", "HOST", "ID", "REASON")
		for _, i := range res.GetInstances() {
			p.row(i.GetName(), enumWord(i.GetState(), "INSTANCE_STATE_"), i.GetUrl(), i.GetVersion(), p.time(i.GetStartTime()), i.GetHost(), i.GetId(), i.GetReason())
		}
	})
}
