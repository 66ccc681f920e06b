package event

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// maxConditionCost limits the steps of an evaluation, in the units of CEL: about one for each
// operation, and one for each ten characters that it reads.
const maxConditionCost = 100_000

// A Condition is a CEL expression over id, source, type, subject, time and data. It is safe for
// concurrent use.
type Condition struct{ program cel.Program }

// conditionEnv declares the variables of conditions.
var conditionEnv = func() *cel.Env {
	env, err := cel.NewCustomEnv(
		cel.StdLib(),
		cel.CustomTypeAdapter(dataAdapter{}),
		cel.Variable("id", cel.StringType),
		cel.Variable("source", cel.StringType),
		cel.Variable("type", cel.StringType),
		cel.Variable("subject", cel.StringType),
		cel.Variable("time", cel.TimestampType),
		cel.Variable("data", cel.DynType),
	)
	if err != nil {
		panic(err) // the declarations are constant
	}
	return env
}()

// ParseCondition parses and checks an expression. An empty one is always true. Errors are
// fault.ErrInvalid, with the position.
func ParseCondition(text string) (Condition, error) {
	if strings.TrimSpace(text) == "" {
		return Condition{}, nil
	}
	ast, issues := conditionEnv.Compile(text)
	if err := issues.Err(); err != nil {
		return Condition{}, fault.Invalidf("%s", celError(err))
	}
	if out := ast.OutputType(); out.Kind() != cel.BoolKind && out.Kind() != cel.DynKind {
		return Condition{}, fault.Invalidf("the expression is of type %s, it must be true or false", out)
	}
	program, err := conditionEnv.Program(ast, cel.CostLimit(maxConditionCost))
	if err != nil {
		return Condition{}, fault.Invalidf("%s", celError(err))
	}
	return Condition{program}, nil
}

// Match evaluates the condition. A field that is missing, a value of another type than the
// expression needs, and an evaluation that exceeds its limit are errors.
func (c Condition) Match(fields eventFields) (bool, error) {
	if c.program == nil {
		return true, nil
	}
	out, _, err := c.program.Eval(map[string]any{
		"id": fields.event.ID, "source": fields.event.Source, "type": fields.event.Type, "subject": fields.event.Subject,
		"time": fields.event.Time, "data": fields.data,
	})
	if err != nil {
		return false, fmt.Errorf("%s", celError(err))
	}
	result, ok := out.Value().(bool)
	if !ok {
		return false, fmt.Errorf("result is a %s, not true or false", out.Type().TypeName())
	}
	return result, nil
}

// celError returns the first line of an error of CEL, without its marks for terminals.
func celError(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	line = strings.TrimPrefix(line, "ERROR: <input>:")
	if strings.Contains(line, "actual cost limit exceeded") {
		return "evaluation exceeds its cost limit: use a simpler expression"
	}
	return line
}

// A dataAdapter converts values of events for CEL. Numbers are int if they are written as an
// integer of 64 bits; other integers are strings, because double would change them; fractions
// and exponents are double.
type dataAdapter struct{}

// NativeToValue converts a value.
func (a dataAdapter) NativeToValue(value any) ref.Val {
	switch v := value.(type) {
	case json.Number:
		return celNumber(v)
	case map[string]any:
		return types.NewStringInterfaceMap(a, v)
	case []any:
		return types.NewDynamicList(a, v)
	}
	return types.DefaultTypeAdapter.NativeToValue(value)
}

func celNumber(n json.Number) ref.Val {
	if !strings.ContainsAny(n.String(), ".eE") {
		if whole, err := strconv.ParseInt(n.String(), 10, 64); err == nil {
			return types.Int(whole)
		}
		return types.String(n.String())
	}
	fraction, err := strconv.ParseFloat(n.String(), 64)
	if err != nil || math.IsInf(fraction, 0) {
		return types.String(n.String())
	}
	return types.Double(fraction)
}
