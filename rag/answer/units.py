"""Units of measure and currencies by the ways they are written."""

from __future__ import annotations

_WRITTEN = {
    "%": "% ٪ percent Prozent pourcent procent",
    "GBP": "£ GBP pound pounds Pfund livres",
    "EUR": "€ EUR euro euros Euro",
    "USD": "$ USD dollar dollars Dollar",
    "penny": "p pence cent cents Cent",
    "mm": "mm millimetre millimetres millimeter millimeters Millimeter",
    "cm": "cm centimetre centimetres centimeter centimeters Zentimeter",
    "m": "m metre metres meter meters Meter mètre mètres",
    "km": "km kilometre kilometres kilometer kilometers Kilometer kilomètres",
    "ft": "ft foot feet",
    "mile": "mile miles Meilen",
    "nm": "nm NM nmi",
    "g": "g gram grams Gramm",
    "kg": "kg kilo kilos kilogram kilograms Kilogramm",
    "t": "t tonne tonnes Tonne Tonnen",
    "l": "l litre litres liter liters Liter",
    "ml": "ml millilitre millilitres milliliter milliliters",
    "s": "s sec secs second seconds Sekunde Sekunden secondes",
    "min": "min mins minute minutes Minute Minuten",
    "h": "h hr hrs hour hours Stunde Stunden heures",
    "day": "day days Tag Tage Tagen jours",
    "week": "week weeks Woche Wochen semaines",
    "month": "month months Monat Monate Monaten mois",
    "year": "year years Jahr Jahre Jahren ans",
    "W": "W watt watts Watt",
    "kW": "kW kilowatt kilowatts Kilowatt",
    "MW": "MW megawatt megawatts Megawatt",
    "kWh": "kWh",
    "V": "V volt volts Volt",
    "kV": "kV",
    "A": "A amp amps ampere amperes Ampere",
    "Ah": "Ah",
    "mA": "mA",
    "Hz": "Hz hertz Hertz",
    "kHz": "kHz",
    "MHz": "MHz",
    "GHz": "GHz",
    "N": "N",
    "kN": "kN",
    "bar": "bar",
    "kn": "kn knot knots Knoten",
    "km/h": "km/h kph",
    "mph": "mph",
    "°C": "°C ℃",
    "°F": "°F",
    "kB": "kB KB kilobyte kilobytes",
    "MB": "MB megabyte megabytes",
    "GB": "GB gigabyte gigabytes",
    "TB": "TB terabyte terabytes",
}
_TIMES = {
    100: "hundred hundert",
    1_000: "thousand tausend k mille",
    1_000_000: "million millions Million Millionen Mio mn",
    1_000_000_000: "billion billions bn Milliarde Milliarden Mrd milliard milliards",
}

# What is written before an amount rather than after it.
SIGNS = "£€$"
UNITS = {form: unit for unit, forms in _WRITTEN.items() for form in forms.split()}
TIMES = {form: factor for factor, forms in _TIMES.items() for form in forms.split()}
