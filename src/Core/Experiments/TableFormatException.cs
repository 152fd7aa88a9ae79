namespace VmSim.Core.Experiments;

/// <summary>
/// A table of configurations cannot be used: the message names the file, line and column, what was found and what is allowed.
/// </summary>
public sealed class TableFormatException : Exception
{
    /// <summary>Makes an exception without a message.</summary>
    public TableFormatException()
    {
    }

    /// <summary>Makes an exception with a message for the person who wrote the table.</summary>
    public TableFormatException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with a message for the person who wrote the table, and its cause.</summary>
    public TableFormatException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>An error about one field.</summary>
    /// <param name="file">Name of the file.</param>
    /// <param name="line">Line, counted from 1.</param>
    /// <param name="column">Name of the column.</param>
    /// <param name="found">What stands there.</param>
    /// <param name="allowed">What may stand there.</param>
    public static TableFormatException At(string file, long line, string column, string found, string allowed) =>
        new($"{file}, line {line}, column {column}: found '{found}'; allowed is {allowed}");
}
