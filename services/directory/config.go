package directory

// DefaultAddr is the listen address of a directory service without Config.Addr, in a
// process without the edge.
const DefaultAddr = "127.0.0.1:18081"

// A Config holds the settings of the directory service. The tags of a field are its flag
// of bongsu serve. The zero value of a field is its default.
type Config struct {
	// Addr is the listen address, host:port. Port 0 is any free port. Empty means no port
	// beside the edge, otherwise DefaultAddr.
	Addr string `name:"directory-addr" aliases:"group-addr" check:"listen" help:"The address on which the directory service listens; none by default beside the edge, otherwise 127.0.0.1:18081."`

	// DatabaseURL names the database: postgres://…, a libpq string, or a file. Empty means
	// directory.db in the data folder. It must differ from that of the ledger.
	DatabaseURL string `name:"directory-url" check:"database" help:"The directory database: postgres://…, a libpq string (host=… dbname=…), or a file; directory.db in --data by default. Behind PgBouncer in transaction mode add default_query_exec_mode=exec."`

	// DemoData stores demonstration data at the start if the directory is empty.
	DemoData bool `help:"Store demonstration data in an empty directory: user1 to user9 and test-team1 to test-team5."`
}
