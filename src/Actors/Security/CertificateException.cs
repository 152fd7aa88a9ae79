namespace VmSim.Actors.Security;

/// <summary>A certificate, a key or a file that holds one cannot be used; the message says which, why and what to do.</summary>
public sealed class CertificateException : Exception
{
    /// <summary>Makes an exception without a message.</summary>
    public CertificateException()
    {
    }

    /// <summary>Makes an exception with a message that names the file, what is wrong and what to do.</summary>
    public CertificateException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with a message and its cause.</summary>
    public CertificateException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
