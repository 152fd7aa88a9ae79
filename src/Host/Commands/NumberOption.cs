using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;

namespace VmSim.Host.Commands;

/// <summary>Options that are whole numbers; what is no number, or outside the range, gets a message with the range.</summary>
internal static class NumberOption
{
    /// <summary>An option that takes one whole number.</summary>
    /// <param name="name">Its name, with the dashes.</param>
    /// <param name="description">What it does.</param>
    /// <param name="min">The least that is allowed.</param>
    /// <param name="max">The most that is allowed.</param>
    /// <param name="fallback">What holds without the option.</param>
    /// <param name="meaning">What the message says of the range.</param>
    public static Option<T> Create<T>(string name, string description, T min, T max, T fallback, string meaning = "")
        where T : struct, INumber<T> => new(name)
        {
            Description = description,
            HelpName = "N",
            DefaultValueFactory = _ => fallback,
            CustomParser = result => Parse(result, name, min, max, meaning),
        };

    private static T Parse<T>(ArgumentResult result, string name, T min, T max, string meaning)
        where T : struct, INumber<T>
    {
        string text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "nothing";
        if (T.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out T number) && number >= min && number <= max)
        {
            return number;
        }

        string range = string.Create(CultureInfo.InvariantCulture, $"{min:N0} to {max:N0}");
        result.AddError($"{name}: \"{text}\" found; a whole number, {range}{(meaning.Length > 0 ? ", " : "")}{meaning}, is allowed");
        return min;
    }
}
