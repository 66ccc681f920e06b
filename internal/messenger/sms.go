package messenger

import (
	"errors"
	"regexp"
)

// phonePattern matches a number in E.164: at most 15 digits, the first not 0.
var phonePattern = regexp.MustCompile(`^\+[1-9][0-9]{4,14}$`)

// checkPhone accepts a telephone number.
func checkPhone(value string) error {
	if !phonePattern.MatchString(value) {
		return errors.New("must be a telephone number with its country, in digits only, such as +821012345678")
	}
	return nil
}

// PhoneSetting is the destination of an SMS.
var PhoneSetting = Setting{
	Label: "Telephone number",
	Hint:  "with its country, such as +821012345678",
	Check: checkPhone,
}
