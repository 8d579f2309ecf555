package path

import "strconv"

func (p *parser) literal() (expr, error) {
	t := p.tok
	var v Value
	switch t.kind {
	case tokString:
		v = OfString(t.text)
	case tokLong, tokInteger, tokDecimal:
		return p.numberLiteral()
	case tokDate:
		d, _ := parseDate(t.text)
		v = temporal(Date, d)
	case tokDateTime:
		d, _ := parseDateTime(t.text)
		v = temporal(DateTime, d)
	case tokTime:
		d, _ := parseTime(t.text)
		v = temporal(Time, d)
	}
	return &literal{Collection{v}}, p.advance()
}

func (p *parser) numberLiteral() (expr, error) {
	t := p.tok
	d, ok := parseDecimal(t.text)
	if !ok || !d.fits() {
		return nil, syntax(t.pos, "a number out of range")
	}
	v := decimal(d)
	if t.kind != tokDecimal {
		bits := 32
		if t.kind == tokLong {
			bits = 64
		}
		i, err := strconv.ParseInt(t.text, 10, bits)
		if err != nil {
			return nil, syntax(t.pos, "a number out of range")
		}
		v = integer(i)
		if t.kind == tokLong {
			v = long(i)
		}
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if t.kind == tokLong {
		return &literal{Collection{v}}, nil
	}
	switch unit := p.tok; {
	case unit.kind == tokString:
		return &literal{Collection{quantity(newQuantity(d, unit.text))}}, p.advance()
	case unit.kind == tokWord && calendarUnit(unit.text) != 0:
		return &literal{Collection{quantity(Quantity{value: d, calendar: calendarUnit(unit.text), plural: isPlural(unit.text)})}}, p.advance()
	}
	return &literal{Collection{v}}, nil
}
