package cli

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/bongsu-project/bongsu/kit/config"
)

// spanFlags are the flags of a time span, such as that of a silence.
type spanFlags struct {
	For   string `placeholder:"DURATION" help:"How long it lasts, such as 2h or 1d12h."`
	Until string `placeholder:"TIME" help:"When it ends, in place of --for."`
	From  string `placeholder:"TIME" help:"When it begins; now by default."`
}

// span returns the start, nil for now, and the end.
func (c spanFlags) span(con *console) (start, end *timestamppb.Timestamp, err error) {
	begin := con.Now()
	if c.From != "" {
		from, ok := parseTime(c.From, con.Now(), con.Zone)
		if !ok {
			return nil, nil, usagef("invalid --from %q: use a time", c.From)
		}
		begin, start = from, timestamppb.New(from)
	}
	switch {
	case (c.For == "") == (c.Until == ""):
		return nil, nil, usagef("say how long it lasts: --for or --until")
	case c.For != "":
		length, err := config.ParseDays(c.For)
		if err != nil || length <= 0 {
			return nil, nil, usagef("invalid --for %q: use a duration above 0, such as 2h or 1d12h", c.For)
		}
		return start, timestamppb.New(begin.Add(length)), nil
	}
	until, ok := parseTime(c.Until, con.Now(), con.Zone)
	if !ok {
		return nil, nil, usagef("invalid --until %q: use a time", c.Until)
	}
	return start, timestamppb.New(until), nil
}
