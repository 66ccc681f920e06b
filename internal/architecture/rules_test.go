package architecture

// A rule says who may import something. What no rule lets in is a violation, and
// so is a package of this module that no rule speaks of: a new folder is one more
// line here.
type rule struct {
	what  string   // what is imported: a folder of this module, or the path of a library
	by    []string // the files that may, besides those of the room itself
	tests bool     // the rule holds for _test.go files as well
	why   string
}

// In what and by, * stands for one folder, or a part of a name, and "/..." at the
// end for all that is below. What stands before it is the room; its files may
// import one another.
var rules = []rule{
	// The house, from the top down.
	{what: "cmd/...", why: "a program is imported by nobody"},
	{what: "internal/app/...", by: []string{"cmd/..."},
		why: "app knows everybody, so only a program may know it"},
	{what: "services/*/...", by: []string{"internal/app/...", "internal/store/..."},
		why: "no service imports another; stores know the nouns, app puts the services together"},
	{what: "internal/store/...", by: []string{"internal/app/...", "internal/generate/...", "bench/..."},
		why: "a service owns its door to a store, and is given what fits"},
	{what: "internal/store/drift", by: []string{"internal/generate/..."}, why: planner},
	{what: "internal/pace/...", by: []string{"internal/app/...", "internal/queue/...", "services/sender/...", "services/alert/messenger_handler.go"},
		why: "senders are paced, and people may look; the queue keeps what they share"},
	{what: "internal/queue/...", by: []string{"internal/app/..."},
		why: "a service owns its door to the queue, and is given what fits"},
	{what: "internal/rpc/...", by: []string{"cmd/...", "internal/app/...", "services/edge/...", "bench/..."},
		why: "handlers return faults; what a fault is on the wire is decided once, around them"},

	// The words that everybody shares.
	{what: "internal/fault", by: []string{"..."}},
	{what: "internal/job", by: []string{"..."}},
	{what: "internal/messenger/...", by: []string{"..."}},
	{what: "internal/phrase", by: []string{"..."}},
	{what: "internal/logtest", why: "it records what tests log"},
	{what: "internal/testsize", by: []string{"internal/store/storetest/..."}, why: "it scales tests"},
	{what: "internal/intake", by: []string{"internal/app/...", "services/edge/..."},
		why: "what other systems say is made ours at the edge"},
	{what: "internal/redact", by: []string{"..."}},
	{what: "internal/seal", by: []string{"..."}},
	{what: "internal/target", by: []string{"..."}},

	// What is generated, and what generates.
	{what: "gen/ent/...", by: []string{"internal/store/...", "internal/generate/..."}, tests: true,
		why: "ent's types never leave the stores"},
	{what: "gen/ent/*/migrate", by: []string{"internal/store/drift/..."}, why: planner},
	{what: "gen/go/...", by: []string{
		"cmd/...", "internal/app/...", "internal/generate/...", "internal/queue/...", "internal/rpc/...",
		"internal/messenger/outcome/...", "bench/...", "services/edge/...", "services/*/handler.go", "services/*/*_handler.go", "services/*/*_client.go", "services/*/wire.go",
	}, why: "wire types come in at the handlers and go no further"},
	{what: "gen/openapi", by: []string{"internal/app/...", "services/edge/..."},
		why: "the edge serves the document"},
	{what: "test/...", by: []string{"bench/..."}, tests: true, why: "what tests the whole is part of nothing"},
	{what: "bench/...", tests: true, why: "what measures the whole is part of nothing"},
	{what: "internal/generate/...", why: "what writes code runs before there is a program"},

	// Libraries that few rooms may know.
	{what: "database/sql/...", by: stores, why: sql},
	{what: "ariga.io/...", by: stores, why: sql},
	{what: "entgo.io/...", by: stores, why: sql},
	{what: "entgo.io/ent/dialect/sql/schema", by: []string{"internal/store/drift/...", "gen/ent/*/migrate/..."}, why: planner},
	{what: "github.com/jackc/...", by: stores, why: sql},
	{what: "github.com/pressly/...", by: stores, why: sql},
	{what: "modernc.org/...", by: stores, why: sql},
	{what: "github.com/nats-io/...", by: []string{"internal/queue/...", "internal/app/...", "bench/..."},
		why: "only the queue speaks NATS, and app starts the server"},
	{what: "github.com/failsafe-go/...", by: []string{"services/sender/...", "services/group/elsewhere_handler.go"},
		why: "circuits are broken where other people's systems are called"},
	{what: "github.com/tink-crypto/...", by: []string{"internal/seal/..."},
		why: "there is one door to cryptography"},
	{what: "github.com/wneessen/...", by: []string{"internal/messenger/..."},
		why: "mail is one messenger's business"},
	{what: "github.com/aws/...", by: []string{"internal/messenger/..."},
		why: "so is what AWS wants signed"},
	{what: "github.com/emersion/...", by: []string{"services/mockup/..."},
		why: "a server for mail is a fake"},
	{what: "github.com/rabbitmq/...", by: []string{"bench/..."}, tests: true,
		why: "other queues are there to be compared with"},
	{what: "connectrpc.com/...", by: []string{
		"cmd/...", "internal/app/...", "internal/rpc/...", "bench/...",
		"services/edge/...", "services/*/handler.go", "services/*/*_handler.go", "services/*/*_client.go", "services/*/wire.go",
	}, why: "the inside does not know how it is called"},
	{what: "google.golang.org/grpc/...", by: []string{"internal/app/...", "internal/rpc/..."},
		why: "gRPC is spoken by Connect"},
}

// stores are the rooms that speak SQL. What measures Bongsu fills its databases, and
// looks into them, from outside.
var stores = []string{"internal/store/...", "internal/generate/...", "bench/..."}

const sql = "only the stores speak SQL"

const planner = "what serves does not carry what plans migrations"
