package event

// DefaultAddr is the listen address of an event service without Config.Addr, in a process
// without the edge.
const DefaultAddr = "127.0.0.1:18086"

// A Config holds the settings of the event service. The tags of a field are its flag of
// bongsu serve. The zero value of a field is its default.
type Config struct {
	// Addr is the listen address, host:port. Port 0 is any free port. Empty means no port
	// beside the edge, otherwise DefaultAddr.
	Addr string `name:"event-addr" check:"listen" help:"The address on which the event service listens; none by default beside the edge, otherwise 127.0.0.1:18086."`

	// DatabaseURL names the database: postgres://…, a libpq string, or a file. Empty means
	// event.db in the data folder. It must differ from those of other services.
	DatabaseURL string `name:"event-url" check:"database" help:"The event database, with rules and dead letters: postgres://…, a libpq string (host=… dbname=…), or a file; event.db in --data by default. Behind PgBouncer in transaction mode add default_query_exec_mode=exec."`
}
