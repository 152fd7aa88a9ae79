namespace VmSim.Host.Terminal;

/// <summary>Whoever read this program's output has enough of it: the program ends without a word, as others do on SIGPIPE.</summary>
internal sealed class ReaderGoneException : IOException
{
    /// <inheritdoc cref="ReaderGoneException"/>
    public ReaderGoneException()
        : base("nobody reads standard output any more")
    {
    }
}
