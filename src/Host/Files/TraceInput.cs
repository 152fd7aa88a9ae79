using System.Diagnostics;
using VmSim.Actors.Configuration;
using VmSim.Core.Traces;

namespace VmSim.Host.Files;

/// <summary>Opens logs and traces for reading.</summary>
internal static class TraceInput
{
    private static readonly byte[] XzMagic = [0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0];

    /// <summary>Opens a file; "-" is standard input. What xz packed is unpacked by the xz program.</summary>
    /// <exception cref="TraceFormatException">There is no such file, or xz is needed and not installed.</exception>
    public static Stream Open(string path)
    {
        if (path == "-")
        {
            return Console.OpenStandardInput();
        }

        path = ConfigFiles.Locate(path);
        if (!File.Exists(path))
        {
            throw TraceFormatException.Missing(path, Directory.Exists(path) ? "this is a folder" : "there is no such file");
        }

        FileStream file = File.OpenRead(path);
        byte[] head = new byte[XzMagic.Length];
        int length = file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        file.Position = 0;
        if (length < head.Length || !head.AsSpan().SequenceEqual(XzMagic))
        {
            return file;
        }

        file.Dispose();
        return OpenXz(path);
    }

    /// <summary>Opens a file if there is one; null otherwise.</summary>
    public static Stream? OpenIfThere(string path) => File.Exists(ConfigFiles.Locate(path)) ? Open(path) : null;

    /// <summary>Opens a trace in any form.</summary>
    public static IVmtSource OpenTrace(string path, bool salvage = false) => TraceSources.Open(Open(path), path, salvage);

    /// <summary>Opens the trace of a child, which lies beside its parent's; null when there is none.</summary>
    public static Stream? OpenBeside(string parent, string name)
    {
        string path = Path.Combine(Path.GetDirectoryName(ConfigFiles.Locate(parent)) ?? "", Path.GetFileName(name));
        return File.Exists(path) ? File.OpenRead(path) : null;
    }

    private static Stream OpenXz(string path)
    {
        try
        {
            ProcessStartInfo start = new("xz") { RedirectStandardOutput = true, UseShellExecute = false };
            start.ArgumentList.Add("-dc");
            start.ArgumentList.Add("--");
            start.ArgumentList.Add(path);
            return Process.Start(start)!.StandardOutput.BaseStream;
        }
        catch (System.ComponentModel.Win32Exception error)
        {
            throw TraceFormatException.Missing(
                path, "it is packed with xz, and the xz program is not installed (apt-get install xz-utils)", error);
        }
    }
}
