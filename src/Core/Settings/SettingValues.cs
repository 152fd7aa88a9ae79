using System.Globalization;
using System.Text;

namespace VmSim.Core.Settings;

/// <summary>Values of settings as people write them: numbers with units, names, on and off.</summary>
public static class SettingValues
{
    private static readonly Dictionary<string, double> ByteUnits = new(StringComparer.Ordinal)
    {
        ["B"] = 1,
        ["kB"] = 1e3,
        ["MB"] = 1e6,
        ["GB"] = 1e9,
        ["TB"] = 1e12,
        ["KiB"] = 1024.0,
        ["MiB"] = 1024.0 * 1024,
        ["GiB"] = 1024.0 * 1024 * 1024,
        ["TiB"] = 1024.0 * 1024 * 1024 * 1024,
    };

    private static readonly Dictionary<string, double> TimeUnits = new(StringComparer.Ordinal)
    {
        ["ns"] = 1,
        ["us"] = 1e3,
        ["ms"] = 1e6,
        ["s"] = 1e9,
    };

    /// <summary>Turns text into a property's value.</summary>
    /// <param name="text">What was written.</param>
    /// <param name="type">The property's type.</param>
    /// <param name="setting">What is allowed.</param>
    /// <param name="ghz">The clock that turns time into cycles.</param>
    /// <param name="value">The value.</param>
    /// <returns>False if the text does not follow <see cref="Allowed"/>.</returns>
    public static bool TryParse(string text, Type type, SettingAttribute setting, double ghz, out object? value)
    {
        value = null;
        if (type == typeof(string))
        {
            value = text;
            IReadOnlyList<string> legal = setting.LegalTexts;
            return legal.Count == 0 || legal.Contains(text, StringComparer.Ordinal);
        }

        if (type == typeof(bool))
        {
            value = text is "on" or "true" or "yes";
            return text is "on" or "true" or "yes" or "off" or "false" or "no";
        }

        if (type.IsEnum)
        {
            string[] names = [.. Enum.GetNames(type).Select(SettingNames.KeyOf)];
            int index = Array.IndexOf(names, text);
            value = index < 0 ? null : Enum.GetValues(type).GetValue(index);
            return index >= 0;
        }

        if (!TryNumber(text, setting.Unit, ghz, out decimal number) || Compare(number, setting.Min) < 0 || Compare(number, setting.Max) > 0)
        {
            return false;
        }

        return TryConvert(number, type, out value);
    }

    /// <summary>
    /// Compares a number with a bound, to its last digit: as a double, 2^63 and what is near it would be the same.
    /// </summary>
    private static int Compare(decimal number, double bound)
    {
        // A decimal made of a double has 15 digits of it, one made of a whole number all.
        bool isWhole = Math.Abs(bound) < long.MaxValue && bound == Math.Floor(bound);
        return isWhole ? number.CompareTo((long)bound)
            : bound > (double)decimal.MaxValue ? -1
            : bound < (double)decimal.MinValue ? 1
            : number.CompareTo((decimal)bound);
    }

    /// <summary>The values of a setting that allows no others than these names; empty for one that allows more.</summary>
    public static IReadOnlyList<string> NamesOf(Type type, SettingAttribute setting) => type == typeof(bool) ? ["on", "off"]
        : type.IsEnum ? [.. Enum.GetNames(type).Select(SettingNames.KeyOf)]
        : type == typeof(string) ? setting.LegalTexts
        : [];

    /// <summary>What a setting allows, for messages.</summary>
    public static string Allowed(Type type, SettingAttribute setting)
    {
        if (type == typeof(bool))
        {
            return "on or off";
        }

        if (type.IsEnum || type == typeof(string))
        {
            IReadOnlyList<string> legal = NamesOf(type, setting);
            return legal.Count > 0 ? string.Join(", ", legal) : "a name";
        }

        string unit = UnitName(setting.Unit);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{setting.Min:#,0.###} to {setting.Max:#,0.###}{(unit.Length > 0 ? " " + unit : "")}{Further(setting.Unit)}");
    }

    /// <summary>A value as <see cref="TryParse"/> reads it back.</summary>
    public static string Format(object? value, SettingAttribute setting)
    {
        string unit = UnitName(setting.Unit);
        return value switch
        {
            null => "\"\"",
            bool on => on ? "on" : "off",
            string text => Quote(text),
            Enum name => SettingNames.KeyOf(name.ToString()),
            IFormattable number => number.ToString(null, CultureInfo.InvariantCulture) + (unit.Length > 0 ? " " + unit : ""),
            _ => value.ToString()!,
        };
    }

    /// <summary>The unit that a bare number is taken in.</summary>
    public static string UnitName(SettingUnit unit) => unit switch
    {
        SettingUnit.Cycles => "cycles",
        SettingUnit.Bytes => "B",
        SettingUnit.Pages => "pages",
        SettingUnit.Gigahertz => "GHz",
        _ => "",
    };

    /// <summary>Text in quotes, as HOCON reads it back, whatever is in it.</summary>
    public static string InQuotes(string text)
    {
        StringBuilder quoted = new("\"");
        foreach (char character in text)
        {
            _ = character switch
            {
                '"' or '\\' => quoted.Append('\\').Append(character),
                < ' ' => quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}"),
                _ => quoted.Append(character),
            };
        }

        return quoted.Append('"').ToString();
    }

    private static string Quote(string text) =>
        text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_') ? text : InQuotes(text);

    private static string Further(SettingUnit unit) => unit switch
    {
        SettingUnit.Cycles => ", or a time in ns, us, ms or s",
        SettingUnit.Bytes => ", or KiB, MiB, GiB, TiB",
        _ => "",
    };

    private static bool TryNumber(string text, SettingUnit unit, double ghz, out decimal number)
    {
        int end = 0;
        while (end < text.Length && (char.IsAsciiDigit(text[end]) || text[end] is '.' or '-' or '+' or '_' or 'e' or 'E'))
        {
            // An exponent's letter belongs to the number only if a digit or sign follows it.
            if (text[end] is 'e' or 'E' && (end + 1 == text.Length || !(char.IsAsciiDigit(text[end + 1]) || text[end + 1] is '-' or '+')))
            {
                break;
            }

            end++;
        }

        string digits = text[..end].Replace("_", "", StringComparison.Ordinal);
        string suffix = text[end..].Trim();
        if (!decimal.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out number))
        {
            return false;
        }

        return suffix.Length == 0 || TryScale(ref number, suffix, unit, ghz);
    }

    private static bool TryScale(ref decimal number, string suffix, SettingUnit unit, double ghz)
    {
        try
        {
            switch (unit)
            {
                case SettingUnit.Cycles when suffix is "cycles" or "cycle":
                case SettingUnit.Pages when suffix is "pages" or "page":
                case SettingUnit.Gigahertz when suffix == "GHz":
                    return true;
                case SettingUnit.Cycles when TimeUnits.TryGetValue(suffix, out double nanoseconds):
                    number = Math.Round(number * (decimal)nanoseconds * (decimal)ghz);
                    return true;
                case SettingUnit.Gigahertz when suffix == "MHz":
                    number /= 1000;
                    return true;
                case SettingUnit.Bytes when ByteUnits.TryGetValue(suffix, out double bytes):
                    number *= (decimal)bytes;
                    return true;
                default:
                    return false;
            }
        }
        catch (OverflowException)
        {
            return false;
        }
    }

    private static bool TryConvert(decimal number, Type type, out object? value)
    {
        value = null;
        if (type == typeof(double))
        {
            // By way of text: the conversion of decimal to double does not give the nearest double.
            value = double.Parse(number.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
            return true;
        }

        if (number != Math.Truncate(number))
        {
            return false;
        }

        try
        {
            value = Convert.ChangeType(number, type, CultureInfo.InvariantCulture);
            return true;
        }
        catch (OverflowException)
        {
            return false;
        }
    }
}
