package mockup

// DefaultAddr is the listen address of a mockup without Config.Addr.
const DefaultAddr = "127.0.0.1:18084"

// MailPort is the port of a mockup for mail without Config.SMTPAddr.
const MailPort = "18025"

// A Config holds the settings of the mockup. The tags of a field are its flag of bongsu
// serve. The zero value of a field is its default.
type Config struct {
	// Addr is the listen address, host:port. Port 0 is any free port. Empty means
	// DefaultAddr.
	Addr string `name:"mockup-addr" check:"listen" help:"The address on which the mockup listens; 127.0.0.1:18084 by default."`

	// SMTPAddr is the listen address for mail, host:port. Empty means MailPort on the host
	// of Addr, or any free port if Addr has port 0.
	SMTPAddr string `name:"mockup-smtp-addr" check:"address" help:"The address on which the mockup accepts mail; port 18025 of its host by default."`
}
