using System.Globalization;

namespace VmSim.Host.Terminal;

/// <summary>Numbers as people like to read them: at most four digits and a unit.</summary>
public static class Quantities
{
    /// <summary>A count: 999, 12.3 k, 4.56 M, 7.89 G.</summary>
    public static string Count(double value) => Scaled(value, 1000, ["", " k", " M", " G", " T", " P"]);

    /// <summary>Bytes: 999 B, 1.50 KiB, ...</summary>
    public static string Bytes(double value) => Scaled(value, 1024, [" B", " KiB", " MiB", " GiB", " TiB", " PiB"]);

    /// <summary>A part of a whole in percent; a dash where there is no whole.</summary>
    public static string Percent(double part, double whole) =>
        whole == 0 ? "-" : string.Create(CultureInfo.InvariantCulture, $"{100 * part / whole:0.00} %");

    /// <summary>Cycles as time at a clock.</summary>
    /// <param name="cycles">Cycles.</param>
    /// <param name="ghz">The clock.</param>
    public static string Time(double cycles, double ghz) => Seconds(cycles / ghz / 1e9);

    /// <summary>Seconds in the unit that suits: ns, us, ms, s, min.</summary>
    public static string Seconds(double seconds) => seconds switch
    {
        0 => "0 s",
        < 1e-6 => $"{Digits(seconds * 1e9)} ns",
        < 1e-3 => $"{Digits(seconds * 1e6)} us",
        < 1 => $"{Digits(seconds * 1e3)} ms",
        < 600 => $"{Digits(seconds)} s",
        _ => $"{Digits(seconds / 60)} min",
    };

    /// <summary>A whole number with thousands apart: 1,234,567.</summary>
    public static string Exact(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>How many of what: "1 thread", "1,024 threads".</summary>
    /// <param name="count">How many.</param>
    /// <param name="one">One of them.</param>
    /// <param name="many">Several of them; null for <paramref name="one"/> with an s.</param>
    public static string Of(long count, string one, string? many = null) => $"{Exact(count)} {(count == 1 ? one : many ?? one + "s")}";

    private static string Scaled(double value, double step, string[] units)
    {
        int unit = 0;
        while (Math.Abs(value) >= step && unit < units.Length - 1)
        {
            value /= step;
            unit++;
        }

        return (unit == 0 ? value.ToString("0", CultureInfo.InvariantCulture) : Digits(value)) + units[unit];
    }

    private static string Digits(double value) =>
        value.ToString(value < 10 ? "0.00" : value < 100 ? "0.0" : "0", CultureInfo.InvariantCulture);
}
