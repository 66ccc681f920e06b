package process_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	registryv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/registry/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/registry/v1/registryv1connect"
	"github.com/bongsu-project/bongsu/kit/process"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// stock is the handler of a service. RegistryService stands for a service of one's own.
type stock struct{}

// ListInstances implements the service.
func (stock) ListInstances(context.Context, *registryv1.ListInstancesRequest) (*registryv1.ListInstancesResponse, error) {
	return &registryv1.ListInstancesResponse{Instances: []*registryv1.Instance{{Name: "Emma"}, {Name: "Dracula"}}}, nil
}

// addStock adds the service to a process.
func addStock(ctx context.Context, p *process.Process) error {
	return p.Add(ctx, process.Service{
		Name:     "stock",
		Services: []rpc.Service{rpc.Public(p.RPC(), registryv1connect.NewRegistryServiceHandler, registryv1connect.RegistryServiceHandler(stock{}))},
	})
}

// A program serves a service. With Config.NATSURL it would join a deployment, whose edge routes the
// service.
func Example() {
	ctx, stop := context.WithCancel(context.Background()) // process.Notify in a program
	defer stop()
	config := process.Config{Name: "shop", Log: slog.New(slog.DiscardHandler)}
	err := process.Run(ctx, config, addStock, func(_ context.Context, p *process.Process) error {
		p.AddTask(func(ctx context.Context) error {
			defer stop()
			client := registryv1connect.NewRegistryServiceClient(http.DefaultClient, "http://"+p.Addr("stock"))
			res, err := client.ListInstances(ctx, &registryv1.ListInstancesRequest{})
			for _, book := range res.GetInstances() {
				fmt.Println(book.GetName())
			}
			return err
		})
		return nil
	})
	fmt.Println(err)
	// Output:
	// Emma
	// Dracula
	// <nil>
}
