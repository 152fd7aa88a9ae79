using System.Text;
using VmSim.Actors.Security;

namespace VmSim.Host.Hosting;

/// <summary>
/// What a run hands to a node that it starts as its child, over the child's standard input: nobody else can read that, and nothing of it is
/// left behind. A count of folders, the folders, the certificate; each text in UTF-8 with its length before it.
/// </summary>
/// <param name="Certificate">The node's certificate, with its key.</param>
/// <param name="Folders">Folders from which the node may load files.</param>
internal sealed record NodeGrant(NodeCertificate Certificate, IReadOnlyList<string> Folders)
{
    /// <summary>Writes the grant.</summary>
    public void Write(Stream stream)
    {
        using BinaryWriter writer = new(stream, Encoding.UTF8, leaveOpen: true);
        writer.Write(Folders.Count);
        foreach (string folder in Folders)
        {
            writer.Write(folder);
        }

        writer.Write(Certificate.ToPem());
    }

    /// <summary>Reads a grant.</summary>
    /// <exception cref="EndOfStreamException">The stream ends before it does.</exception>
    public static NodeGrant Read(Stream stream)
    {
        using BinaryReader reader = new(stream, Encoding.UTF8, leaveOpen: true);
        string[] folders = new string[reader.ReadInt32()];
        for (int i = 0; i < folders.Length; i++)
        {
            folders[i] = reader.ReadString();
        }

        return new NodeGrant(NodeCertificate.Parse(reader.ReadString(), "standard input"), folders);
    }
}
